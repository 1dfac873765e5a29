/** The version of TLS that a request came by; 0: without TLS, NULL: the log does not show it. */
export const tls = `
ALTER TABLE events ADD COLUMN tls INTEGER;
`;
