/** Tells which sources no event names any more, and no ban. Of those that are there nothing is known: they count as of now. */
export const newestEvents = `
ALTER TABLE sources ADD COLUMN newest_event INTEGER;    -- NULL: it never had one
UPDATE sources SET newest_event = (SELECT max(id) FROM events);
CREATE INDEX decisions_reported ON decisions (reported_by) WHERE reported_by IS NOT NULL;
`;
