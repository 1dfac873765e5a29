/** What keeps rules from banning until a person lets them go on: at most one row a name. */
export const halts = `
CREATE TABLE halts (
  name TEXT PRIMARY KEY,          -- breaker, panic
  since INTEGER NOT NULL,
  reason TEXT NOT NULL,
  counted_from INTEGER NOT NULL   -- bans that rules decided from then on led to it
) STRICT;
`;
