/** Which audit source caused a ban, so that the share of bans that an app may cause holds across restarts. */
export const banSources = `
ALTER TABLE decisions ADD COLUMN reported_by INTEGER;   -- an audit source; NULL: Apache's own logs, or a person
`;
