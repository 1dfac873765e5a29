import { SekishoError } from "../../model/errors.ts";
import type { Target } from "../../model/ip.ts";
import type { ControlResult } from "./control.ts";
import type { Hold } from "./include-generations.ts";

export function configtestFailed(withList: ControlResult, without: ControlResult): SekishoError {
  return without.ok
    ? new SekishoError(
        "APACHE_CONFIGTEST_FAILED",
        `Apache refused the new list, so the last good one was put back: ${withList.output}`,
        "compare Apache's configuration with the output of `sekisho apache snippet`: the list must be included inside its <RequireAll>",
      )
    : new SekishoError(
        "APACHE_CONFIGTEST_FAILED",
        `Apache's configuration is broken, with Sekisho's last good list as well: ${without.output}`,
        "correct what apache2ctl configtest complains about; the new list is tried again by itself",
      );
}

export const tooManyLinger = (lingering: number, most: number): SekishoError =>
  new SekishoError(
    "APACHE_LINGERING",
    `not reloaded: ${lingering} old Apache processes still hold WebSockets, ${most} are the limit; with each reload there may be one more, and Apache stops when its scoreboard is full`,
    "let apps close old WebSockets, raise ServerLimit in Apache and enforcers.apache-include.lingering with it, or use apache-directory, which needs no reload",
  );

export const reloadFailed = (output: string): SekishoError =>
  new SekishoError(
    "APACHE_RELOAD_FAILED",
    `Apache did not reload: ${output}`,
    "see Apache's error log; the reload is tried again on schedule",
  );

const NAMED = 3;

export function heldTo({ generation, since, cause }: Hold, heldBack: readonly Target[]): SekishoError {
  const more = heldBack.length > NAMED ? ` and ${heldBack.length - NAMED} more` : "";
  const kept =
    heldBack.length === 0
      ? "nothing is held back by it"
      : `held back: ${heldBack.slice(0, NAMED).join(", ")}${more}`;
  return new SekishoError(
    "APACHE_HELD",
    `${cause === null ? "" : `${cause}; `}the list is held to generation ${generation} since ${since}; ${kept}`,
    "sekisho apache generations shows what changed; sekisho apache resume goes on. Other enforcers block as before",
  );
}

export const stillSilent = (generation: number): SekishoError =>
  new SekishoError(
    "APACHE_RELOAD_FAILED",
    `Apache does not serve since the reload with generation ${generation} of the list, with the one of before as well`,
    "look at Apache itself (systemctl status apache2, its error log): the list is not what is wrong",
  );

export const notHeld = (): SekishoError =>
  new SekishoError("NOT_FOUND", "the list is not held to a generation", "there is nothing to go on with");
