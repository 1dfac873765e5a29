/** When a ban was decided, by the clock: its lines' times are written by an app, which could spread its bans over a month. */
export const decidedAt = `
ALTER TABLE decisions ADD COLUMN decided_at INTEGER;    -- NULL: before this was kept
`;
