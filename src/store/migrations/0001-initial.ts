/**
 * Times are milliseconds since 1970, UTC. Text that repeats (paths, user agents) is kept once in `texts` and named by
 * number; number 0 is Apache's `-` (the client sent nothing), NULL is a field that the format cannot show.
 */
export const initial = `
CREATE TABLE sources (
  id INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  lines INTEGER NOT NULL DEFAULT 0,
  unparsed INTEGER NOT NULL DEFAULT 0,
  last_event_at INTEGER
) STRICT;

-- How far each file of a source is committed; rotation leaves several files to one source.
CREATE TABLE checkpoints (
  source INTEGER NOT NULL,
  device INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  head TEXT NOT NULL,
  head_length INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (source, device, inode)
) STRICT, WITHOUT ROWID;

CREATE TABLE texts (id INTEGER PRIMARY KEY, value TEXT NOT NULL) STRICT;
INSERT INTO texts VALUES (0, '-');

CREATE TABLE clients (id INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  kind INTEGER NOT NULL,          -- 1 access, 2 error, 3 audit, 4 unparsed
  source INTEGER NOT NULL,
  client INTEGER,
  refused INTEGER NOT NULL,
  status INTEGER,
  bytes INTEGER,
  method INTEGER,
  path INTEGER,
  query INTEGER,
  protocol INTEGER,
  referer INTEGER,
  user_agent INTEGER,
  origin INTEGER,
  upgrade INTEGER,
  host INTEGER,
  user INTEGER,
  vhost INTEGER,
  duration_us INTEGER,
  bytes_in INTEGER,
  bytes_out INTEGER,
  code INTEGER,                   -- error: AH code; audit: name; unparsed: reason
  message INTEGER,                -- error: message; audit: detail
  level INTEGER,
  module INTEGER,                 -- error: module; audit: app
  connection INTEGER
) STRICT;
CREATE INDEX events_client ON events (client) WHERE client IS NOT NULL;
-- The kinds that are few among many requests.
CREATE INDEX events_kind ON events (kind) WHERE kind <> 1;

-- Bytes of lines that did not parse, up to a budget, the oldest deleted first.
CREATE TABLE unparsed (event INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;

-- Requests a minute by class of status. first_event leads from a time to event numbers without an index on time.
CREATE TABLE traffic (
  minute INTEGER PRIMARY KEY,
  s1xx INTEGER NOT NULL, s2xx INTEGER NOT NULL, s3xx INTEGER NOT NULL, s4xx INTEGER NOT NULL, s5xx INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  first_event INTEGER NOT NULL
) STRICT;

CREATE TABLE incidents (
  id INTEGER PRIMARY KEY,
  subject TEXT NOT NULL,
  target TEXT NOT NULL,
  severity TEXT NOT NULL,
  state TEXT NOT NULL,            -- open, closed
  opened_at INTEGER NOT NULL,
  last_seen INTEGER NOT NULL
) STRICT;
CREATE INDEX incidents_subject ON incidents (subject, last_seen);
CREATE INDEX incidents_state ON incidents (state);

CREATE TABLE findings (
  id INTEGER PRIMARY KEY,
  incident INTEGER NOT NULL REFERENCES incidents (id),
  rule TEXT NOT NULL,
  title TEXT NOT NULL,
  severity TEXT NOT NULL,
  subject TEXT NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  count INTEGER NOT NULL,
  evidence TEXT NOT NULL,         -- JSON array of raw lines
  spared TEXT,                    -- why policy did not ban, if it spared the subject
  event INTEGER NOT NULL          -- the event that made the rule fire
) STRICT;
CREATE INDEX findings_incident ON findings (incident);
CREATE INDEX findings_event ON findings (event);

CREATE TABLE decisions (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,             -- ban, allow
  target TEXT NOT NULL,
  rule TEXT,
  decided_by TEXT NOT NULL,       -- rule, person
  reason TEXT NOT NULL,
  at INTEGER NOT NULL,
  until INTEGER,                  -- NULL: permanent
  revoked_at INTEGER,
  revoked_event INTEGER,          -- the last event when it was revoked: hits up to it are forgiven
  incident INTEGER REFERENCES incidents (id)
) STRICT;
CREATE INDEX decisions_target ON decisions (target);
CREATE INDEX decisions_standing ON decisions (kind, until, target) WHERE revoked_at IS NULL;
`;
