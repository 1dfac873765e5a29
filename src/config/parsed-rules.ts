import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { deserialize, serialize } from "node:v8";
import { type RuleSpec, ruleSchema } from "../evaluate/rule-schema.ts";
import { checkYaml, invalid } from "./document.ts";
import { ruleFiles } from "./rule-files.ts";
import { readTextFile } from "./text-file.ts";

/** What a rule's file says, before and after its texts were read. */
export interface ParsedRule {
  readonly raw: Record<string, unknown>;
  readonly spec: RuleSpec;
}

/** By the hash of the file's text, so that a file that was changed since is not among them. */
export type ParsedRules = ReadonlyMap<string, ParsedRule>;

export const hashOfText = (text: string): string => createHash("sha1").update(text).digest("base64");

/** Parses the rules of a folder once, when Sekisho is built: doing it at each start takes longer than all the rest. */
export function writeParsedRules(folder: string, file: string): void {
  const parsed = new Map<string, ParsedRule>();
  for (const { file } of ruleFiles(folder)) {
    const text = readTextFile(file, "RULE_INVALID");
    const { value, raw, problems } = checkYaml(file, text, ruleSchema);
    if (value === null) throw invalid("RULE_INVALID", problems);
    parsed.set(hashOfText(text), { raw: raw as Record<string, unknown>, spec: value });
  }
  writeFileSync(file, serialize(parsed));
}

/** None where nothing was built, as in development. */
export const readParsedRules = (file: string): ParsedRules =>
  existsSync(file) ? (deserialize(readFileSync(file)) as ParsedRules) : new Map();
