/** What goes wrong with the ban directory. */
import { messageOf, SekishoError } from "../../model/errors.ts";

export const unwritable = (directory: string, cause: unknown): SekishoError =>
  new SekishoError(
    "BAN_DIRECTORY_UNWRITABLE",
    `cannot write bans into ${directory}: ${messageOf(cause)}`,
    "let the user that runs Sekisho write there, or set enforcers.apache-directory.directory to another folder",
    { cause },
  );

/** `blocking`: the first folder on the way that the user may not pass; null where it is not known. */
export function unreachable(directory: string, user: string, blocking: string | null): SekishoError {
  const where = blocking === null ? "" : `: '${user}' may not pass ${blocking}`;
  return new SekishoError(
    "BAN_DIRECTORY_UNREACHABLE",
    `Apache cannot see the bans in ${directory}, so nobody would be blocked${where}`,
    "use enforcers.apache-directory.directory: /run/sekisho/banned" +
      (blocking === null ? "" : `, or let others pass the folder (chmod o+x ${blocking})`),
  );
}

export function noWebUser(configured: string | undefined): SekishoError {
  const looked = configured === undefined ? "neither 'www-data' nor 'apache'" : `no user '${configured}'`;
  return new SekishoError(
    "BAN_DIRECTORY_UNREACHABLE",
    `cannot tell whether Apache sees the bans: ${looked} is in /etc/passwd`,
    "set enforcers.apache-directory.user to the user that Apache runs as",
  );
}
