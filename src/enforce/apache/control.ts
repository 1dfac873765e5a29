import { SekishoError } from "../../model/errors.ts";
import { findProgram, printable, runProgram } from "../program.ts";

export interface ControlResult {
  readonly ok: boolean;
  /** Printable, bounded; says so when the program did not end in time. */
  readonly output: string;
}

/** What a Sekisho without root has instead of a control program: systemd/apache-as-root knows the same paths. */
export const ROOTS_HALF = {
  control: "/opt/sekisho/libexec/apache-control",
  /** Root's copy of what Sekisho writes, which Apache includes: who writes there could have Apache load a program as root. */
  list: "/var/lib/sekisho-apache/blocklist.conf",
  written: "/var/lib/sekisho/apache/blocklist.conf",
} as const;

interface Included {
  readonly file: string;
  readonly control: string;
}

/** Where Sekisho writes the list that Apache includes as `file`. */
export const writtenList = ({ file, control }: Included): string =>
  control === ROOTS_HALF.control && file === ROOTS_HALF.list ? ROOTS_HALF.written : file;

/** Throws APACHE_CONTROL_MISSING when there is no such program. */
export async function findControl(program: string): Promise<void> {
  if ((await findProgram(program)) === null) throw controlMissing(program);
}

/** Runs `apache2ctl configtest` or `graceful`, and ends it after 30 seconds. */
export async function runControl(
  program: string,
  action: "configtest" | "graceful",
  signal: AbortSignal,
): Promise<ControlResult> {
  const result = await runProgram(program, [action], { signal });
  if (result.kind === "missing") throw controlMissing(program, result.cause);
  const late = result.kind === "late" ? `no answer within ${result.timeoutMs / 1000} s\n` : "";
  return {
    ok: result.kind === "ended" && result.status === 0,
    output: printable(late + result.stdout + result.stderr),
  };
}

const controlMissing = (program: string, cause?: unknown): SekishoError =>
  new SekishoError(
    "APACHE_CONTROL_MISSING",
    `there is no program '${program}' to test and reload Apache with`,
    "set enforcers.apache-include.control to apache2ctl (Debian), apachectl (RHEL), or the path of a program that takes configtest and graceful",
    { cause },
  );
