import { readdirSync } from "node:fs";
import { join } from "node:path";
import { messageOf, SekishoError, systemCode } from "../model/errors.ts";
import { invalid } from "./document.ts";
import { readFailure } from "./text-file.ts";

/** What a rule or list may be called: it appears in reports, addresses and file names. */
const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;

/** A file that is named after what it holds. */
export interface RuleFile {
  readonly file: string;
  readonly id: string;
  readonly wrong: string | null;
}

/** The files of a folder's rules, sorted by id: the file's name without `.yaml`. Hidden files are left alone. */
export const ruleFiles = (folder: string): RuleFile[] => filesIn(folder, ".yaml", [".yml", ".json"]);

/** The texts that rules of a folder look for, one list a file. A missing folder has none. */
export const textListFiles = (folder: string): RuleFile[] => filesIn(folder, ".txt", [".list"], true);

/** Files with the ending, sorted by id. One with a `mistaken` ending is reported: it would be left out in silence. */
function filesIn(
  folder: string,
  ending: string,
  mistaken: readonly string[],
  mayBeMissing = false,
): RuleFile[] {
  const names = entries(folder, mayBeMissing).filter((name) => !name.startsWith("."));
  const wrongEnding = names.find((name) => mistaken.some((each) => name.endsWith(each)));
  if (wrongEnding !== undefined) {
    const renamed = wrongEnding.replace(/\.[^.]+$/, ending);
    throw invalid("RULE_INVALID", [
      `${join(folder, wrongEnding)}: would not be read; rename it to ${renamed}`,
    ]);
  }
  return names
    .filter((name) => name.endsWith(ending))
    .map((name) => ({ name, id: name.slice(0, -ending.length) }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ name, id }) => {
      const file = join(folder, name);
      const advice = `use lower-case letters, digits and dashes, as in repeated-403${ending}`;
      return { file, id, wrong: NAME.test(id) ? null : `${file}: '${id}' cannot be a name; ${advice}` };
    });
}

function entries(folder: string, mayBeMissing: boolean): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    const code = systemCode(error);
    if (mayBeMissing && code === "ENOENT") return [];
    const [reason, hint] =
      code === "ENOTDIR"
        ? ["is not a folder", "name the folder that holds the files"]
        : readFailure(code, folder);
    const said = code === "ENOENT" ? "there is no such folder" : (reason ?? messageOf(error));
    throw new SekishoError("CONFIG_UNREADABLE", `${folder}: ${said}`, hint, { cause: error });
  }
}
