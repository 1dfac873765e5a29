import type { ListStatus } from "../../src/model/api.ts";

const ago = (seconds: number): string => new Date(Date.now() - seconds * 1_000).toISOString();

const list = (fields: Pick<ListStatus, "name" | "from"> & Partial<ListStatus>): ListStatus => ({
  kind: "block",
  ownAndPrivate: "refuse",
  entries: 1_234,
  wrong: 0,
  refused: 0,
  examples: [],
  spared: 0,
  fetchedAt: ago(4_000),
  until: null,
  triedAt: ago(4_000),
  nextFetchAt: ago(-9_400),
  error: null,
  hint: null,
  ...fields,
});

/** One that is well, one with lines that are left out, one that was refused, and one that was never there. */
export const lists = (): ListStatus[] => [
  list({ name: "cdn", kind: "allow", ownAndPrivate: null, from: "/etc/sekisho/cdn.txt", entries: 22 }),
  list({
    name: "drop",
    from: "https://lists.example/drop.txt",
    wrong: 2,
    refused: 14,
    ownAndPrivate: "leave-out",
    spared: 1,
    examples: ["line 5: '<b>\x1b[2J</b>' is no address or range", "line 9: 10.0.0.0/8 is private"],
    until: ago(-150_000),
  }),
  list({
    name: "scanners",
    from: "https://feeds.example/a-rather-long-path/that-names/what-it-is/scanners-of-the-last-seven-days.csv",
    entries: 48_211,
    fetchedAt: ago(93_000),
    triedAt: ago(700),
    error:
      "list scanners is not taken from https://feeds.example/a-rather-long-path/that-names/what-it-is/scanners-of-the-last-seven-days.csv: it has 512004 entries, and had 48211: more than 10 times as many",
    hint: "its entries of 2026-11-20T12:00:00.000Z stay; look at what is there; docs/lists.md says what is refused, and lists[].max and growth are the limits",
  }),
  list({
    name: "new",
    from: "https://away.example/list",
    entries: 0,
    fetchedAt: null,
    triedAt: ago(30),
    error: "list new cannot be had: https://away.example/list does not answer",
    hint: "it has no entries until then; it is tried again on schedule, and at once with sekisho lists --fetch",
  }),
];
