/**
 * What retention needs: everything that an event names goes with it. Addresses stand in the event itself, since a table of
 * clients grows for ever; texts belong to a generation. An index on the client would be written all over the place, so the
 * clients of each block of 4,096 events (`id >> 12`) are listed instead: written in one place, and a fifth as long.
 */
export const retention = `
ALTER TABLE events ADD COLUMN address TEXT;
UPDATE events SET address = (SELECT value FROM clients WHERE clients.id = events.client);
DROP INDEX events_client;
ALTER TABLE events DROP COLUMN client;
ALTER TABLE events RENAME COLUMN address TO client;
DROP TABLE clients;

CREATE TABLE client_blocks (
  block INTEGER NOT NULL,
  client TEXT NOT NULL,
  kind INTEGER NOT NULL,
  PRIMARY KEY (block, client, kind)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO client_blocks SELECT id >> 12, client, kind FROM events WHERE client IS NOT NULL;

-- Events from first_event on name only texts from first_text on, and 0.
CREATE TABLE text_generations (first_event INTEGER PRIMARY KEY, first_text INTEGER NOT NULL) STRICT;
INSERT INTO text_generations SELECT min(id), 1 FROM events HAVING min(id) IS NOT NULL;
`;
