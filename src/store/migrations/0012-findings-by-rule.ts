/** Tells the rules of an incident without reading its findings: of one that goes on for weeks there are a hundred thousand. */
export const findingsByRule = `
CREATE INDEX findings_rule ON findings (incident, rule);
`;
