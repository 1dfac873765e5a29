/** Counts revocations up, so that whoever follows the running bans finds the newest of them without reading all. */
export const revocations = `
ALTER TABLE decisions ADD COLUMN revocation INTEGER;    -- the same for those revoked together; NULL: it stands
UPDATE decisions SET revocation = 1 WHERE revoked_at IS NOT NULL;
CREATE INDEX decisions_revoked ON decisions (revocation) WHERE revocation IS NOT NULL;
`;
