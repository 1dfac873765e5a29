/**
 * WebSockets from their opening on. Texts stand in their rows, cut, as there are few: those that are open and the last
 * that ended.
 */
export const sockets = `
CREATE TABLE sockets (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL,              -- who asked for what, by which the line at the end is found
  state TEXT NOT NULL,            -- open, closed, lost: no line told of the end
  opened_at INTEGER NOT NULL,
  client TEXT NOT NULL,
  path TEXT NOT NULL,
  query TEXT,
  origin TEXT,
  host TEXT,
  vhost TEXT NOT NULL,
  user_agent TEXT,
  user TEXT,
  status INTEGER,                 -- from here on NULL until it is closed
  duration_us INTEGER,
  bytes_in INTEGER,
  bytes_out INTEGER
) STRICT;
CREATE INDEX sockets_state ON sockets (state, id);

-- 1: the other line of the same socket was judged before. events.kind 5 is an opening.
ALTER TABLE events ADD COLUMN second INTEGER;
ALTER TABLE sources ADD COLUMN openings INTEGER NOT NULL DEFAULT 0;
`;
