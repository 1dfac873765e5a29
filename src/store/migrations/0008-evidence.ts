/** Leads to the oldest findings whose evidence was not given up to the disk budget. */
export const evidence = `
CREATE INDEX findings_evidence ON findings (event) WHERE evidence <> '[]';
`;
