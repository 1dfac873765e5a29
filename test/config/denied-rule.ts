/** A rule as its file says it. */
export const RULE = `title: { en: Repeated 403, ja: 403の繰り返し }
detects: refusals
why: somebody tries doors
severity: medium
events: access
match: { status: 403 }
bucket: { kind: threshold, count: 5, window: 10m }
`;
