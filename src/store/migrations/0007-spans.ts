/** What leads from a time to event numbers, whatever the lines say of their times; see spans.ts. */
export const spans = `
-- Events from first_event on, up to the next span's.
CREATE TABLE spans (
  first_event INTEGER PRIMARY KEY,
  stored_at INTEGER NOT NULL,     -- by the clock
  newest INTEGER                  -- time of the newest line in it, never ahead of stored_at; NULL: none was parsed
) STRICT;
INSERT INTO spans
  SELECT min(id), unixepoch() * 1000, min(max(time) FILTER (WHERE kind <> 4), unixepoch() * 1000)
  FROM events GROUP BY id >> 12;

ALTER TABLE traffic DROP COLUMN first_event;
`;
