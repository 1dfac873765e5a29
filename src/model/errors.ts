/**
 * Every error that a user can meet, with the exit status it leads to.
 * 1: the answer is no. 2: usage, configuration or rule. 3: the environment. 70: a fault of ours.
 * Each code is explained in docs/errors.md; a test holds the two together.
 */
export const ERROR_CODES = {
  USAGE: 2,
  CONFIG_UNREADABLE: 3,
  CONFIG_INVALID: 2,
  CONFIG_EXISTS: 1,
  CONFIG_UNWRITABLE: 3,
  APACHE_CONFIG_UNREADABLE: 3,
  RULE_INVALID: 2,
  LOG_FORMAT_INVALID: 2,
  TARGET_INVALID: 2,
  TARGET_PROTECTED: 1,
  TARGET_WIDE: 1,
  TARGET_NOT_BANNED: 1,
  TARGET_NOT_ALLOWLISTED: 1,
  BAN_INEFFECTIVE: 1,
  BREAKER_OPEN: 1,
  PANIC: 1,
  NOT_HALTED: 1,
  PANIC_INCOMPLETE: 3,
  DAEMON_NOT_RUNNING: 3,
  DAEMON_REFUSED: 3,
  DATA_DIRECTORY: 3,
  DATA_IN_USE: 3,
  DATABASE_DAMAGED: 3,
  DATABASE_NEWER: 3,
  DATABASE_LOCKED: 3,
  DATABASE_REPLACED: 3,
  DISK_FULL: 3,
  BACKUP_FAILED: 3,
  LOG_UNREADABLE: 3,
  LOG_DAMAGED: 3,
  LOG_MISSING: 3,
  LOG_UNWATCHED: 3,
  LOG_TIME_AHEAD: 3,
  SOCKET_FAILED: 3,
  SOCKET_UNSAFE: 3,
  SOCKET_IN_USE: 3,
  AUDIT_BAN_LIMIT: 1,
  PORT_IN_USE: 3,
  LISTEN_FAILED: 3,
  LISTEN_EXPOSED: 2,
  TOKEN_WEAK: 2,
  BAN_DIRECTORY_UNREACHABLE: 3,
  BAN_DIRECTORY_UNWRITABLE: 3,
  BLOCK_WITHOUT_EFFECT: 3,
  ENFORCER_BEHIND_PROXY: 2,
  APACHE_CONTROL_MISSING: 3,
  APACHE_CONFIGTEST_FAILED: 1,
  APACHE_RELOAD_FAILED: 3,
  APACHE_LINGERING: 3,
  APACHE_HELD: 1,
  INCLUDE_UNWRITABLE: 3,
  NFT_MISSING: 3,
  NFT_PERMISSION: 3,
  NFT_UNSUPPORTED: 3,
  NFT_FAILED: 3,
  CUT_UNAVAILABLE: 3,
  CUT_FAILED: 3,
  UFW_MISSING: 3,
  UFW_INACTIVE: 3,
  UFW_BUSY: 3,
  UFW_FAILED: 3,
  UFW_NO_ANSWER: 3,
  UFW_REFUSED: 3,
  EXEC_MISSING: 3,
  EXEC_UNSAFE: 3,
  EXEC_FAILED: 3,
  NOTIFY_FAILED: 3,
  INSTALL_FAILED: 3,
  LIST_UNAVAILABLE: 3,
  LIST_REFUSED: 1,
  WEB_PAGE_MISSING: 3,
  ACCESS_DENIED: 3,
  ATTEMPTS_EXCEEDED: 3,
  HOST_REFUSED: 3,
  ORIGIN_REFUSED: 3,
  NOT_FOUND: 1,
  LIVE_FULL: 3,
  INTERNAL: 70,
} as const;
export type ErrorCode = keyof typeof ERROR_CODES;

/** What went wrong, under which code, and what to do about it. Branch on the code, never on the text. */
export class SekishoError extends Error {
  override readonly name = "SekishoError";
  readonly code: ErrorCode;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, hint: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }

  get exitStatus(): number {
    return ERROR_CODES[this.code];
  }
}

/** The code of a Node system error (`ENOENT`), null for anything else. */
export function systemCode(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
}

/** What an error says. One of a host whose addresses all refused says nothing itself, but has an error of each. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") return error.errors.map(messageOf).join("; ");
  return error instanceof Error ? error.message : String(error);
}

/** Any error as one that a user can be shown. */
export const asSekishoError = (error: unknown): SekishoError =>
  error instanceof SekishoError
    ? error
    : new SekishoError("INTERNAL", messageOf(error), "please report it", { cause: error });
