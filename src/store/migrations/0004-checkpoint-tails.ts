/** What stands before a checkpoint's offset, so that a file with the same beginning is not taken for it. */
export const checkpointTails = `
ALTER TABLE checkpoints ADD COLUMN tail TEXT NOT NULL DEFAULT '';   -- SHA-256, hex; '' where it was not kept
`;
