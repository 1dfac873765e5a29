import { dirname, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type Document, isMap, isSeq, parseDocument, type YAMLMap, type YAMLSeq } from "yaml";
import { checkYaml } from "../config/document.ts";
import { configSchema, type WrittenConfig, type WrittenLog } from "../config/schema.ts";
import { YAML_OPTIONS } from "../config/yaml-options.ts";
import { messageOf, SekishoError } from "../model/errors.ts";

/** What becomes of one thing in a configuration that is there. */
export interface Change {
  readonly kind: "added" | "removed" | "changed" | "kept";
  /** The key that it stands under. */
  readonly key: string;
  readonly what: string;
}

export interface Merged {
  /** As it was, byte for byte, when nothing but `kept` is in `changes`. */
  readonly text: string;
  readonly changes: readonly Change[];
}

/** What Apache's configuration speaks of. Everything else in the file is its owner's. */
const FROM_APACHE = ["logs", "origins", "trustedProxies"] as const;

/**
 * The configuration `before` with what `made` (ours, from Apache's) says of access and error logs, origins and proxies.
 * Origins and proxies are only added to, since some of them are in no configuration of Apache's. Comments stay.
 * Throws CONFIG_INVALID for a file that cannot be changed with certainty.
 */
export function mergeConfig(file: string, before: string, made: string): Merged {
  const { value: old, raw, problems } = checkYaml(file, before, configSchema);
  if (old === null) throw refusal(problems.join("\n"));
  const document = parse(before);
  const source = parse(made);
  const wanted = configSchema.parse(source.toJS());
  if (document.contents === null) document.contents = document.createNode({}) as never;
  const merge = new Merge(document, source);
  const expected: WrittenConfig = {
    ...old,
    logs: merge.logs(old.logs, wanted.logs, dirname(file)),
    origins: merge.union("origins", old.origins, wanted.origins),
    trustedProxies: merge.union("trustedProxies", old.trustedProxies, wanted.trustedProxies),
  };
  const others = Object.keys(raw as object).filter(
    (key) => !(FROM_APACHE as readonly string[]).includes(key),
  );
  const changes = [
    ...merge.changes,
    ...others.map((key): Change => ({ kind: "kept", key, what: "as it is" })),
  ];
  const isSame = changes.every(({ kind }) => kind === "kept");
  return { text: isSame ? before : textOf(document, file, expected), changes };
}

const parse = (text: string): Document => parseDocument(text, YAML_OPTIONS);

/** Read back and compared: anchors and the like can make a change mean more than it says. */
function textOf(document: Document, file: string, expected: WrittenConfig): string {
  let text: string;
  try {
    text = document.toString({ lineWidth: 0 });
  } catch (error) {
    throw refusal(`${file}: ${messageOf(error)}`);
  }
  if (!isDeepStrictEqual(checkYaml(file, text, configSchema).value, expected))
    throw refusal(`${file}: its logs, origins and trustedProxies cannot be changed without changing more`);
  return text;
}

const refusal = (message: string): SekishoError =>
  new SekishoError(
    "CONFIG_INVALID",
    message,
    "correct the file first (`sekisho check` tries it), or have a new one made beside it: sekisho init --write FILE",
  );

/** Takes nodes of `source` over into `document`, with their comments. */
class Merge {
  readonly #document: Document;
  readonly #source: Document;
  readonly changes: Change[] = [];

  constructor(document: Document, source: Document) {
    this.#document = document;
    this.#source = source;
  }

  logs(old: readonly WrittenLog[], wanted: readonly WrittenLog[], folder: string): WrittenLog[] {
    const from = this.#list(this.#source, "logs");
    const list = this.#list(this.#document, "logs");
    // What is told, in the order in which it then stands in the file.
    const kept: { readonly log: WrittenLog; readonly node: unknown }[] = [];
    const tell = (kind: Change["kind"], log: WrittenLog) =>
      this.changes.push({ kind, key: "logs", what: `${log.kind} ${log.path ?? log.socket}` });
    const idOf = (log: WrittenLog) => `${log.kind} ${resolve(folder, log.path ?? "")}`;
    const pending = new Map(wanted.map((log, at) => [idOf(log), at]));
    for (const [at, log] of old.entries()) {
      const node = list?.items[at];
      const match = log.kind === "audit" ? undefined : pending.get(idOf(log));
      if (match !== undefined) pending.delete(idOf(log));
      else if (log.kind !== "audit") {
        tell("removed", log);
        continue;
      }
      const format = match === undefined ? log.format : wanted[match]!.format;
      // Names of fields are given by hand only, for a format that they belong to.
      const stays = format === log.format || log.fields !== undefined;
      if (!stays) setFormat(node, format);
      tell(stays ? "kept" : "changed", log);
      kept.push({ log: stays ? log : { ...log, format }, node });
    }
    for (const at of pending.values()) {
      tell("added", wanted[at]!);
      kept.push({ log: wanted[at]!, node: from?.items[at] });
    }
    const nodes = kept.map(({ node }) => node);
    if (list !== null) list.items = nodes;
    else if (nodes.length > 0) this.#addKey("logs");
    return kept.map(({ log }) => log);
  }

  union<Item extends string>(
    key: "origins" | "trustedProxies",
    old: readonly Item[],
    wanted: readonly Item[],
  ): Item[] {
    const isNew = (item: Item) => !old.includes(item);
    const added = wanted.filter(isNew);
    const tell = (kind: Change["kind"]) => (what: Item) => this.changes.push({ kind, key, what });
    old.forEach(tell("kept"));
    added.forEach(tell("added"));
    const list = this.#list(this.#document, key);
    if (list === null && added.length > 0) this.#addKey(key);
    const from = this.#list(this.#source, key)?.items ?? [];
    list?.items.push(...from.filter((_node, at) => isNew(wanted[at]!)));
    return [...old, ...added];
  }

  /** The list under a key; a comment above its first item goes with that item. Null where there is none. */
  #list(document: Document, key: string): YAMLSeq | null {
    const list = document.get(key, true);
    if (!isSeq(list)) return null;
    const [first] = list.items;
    if (isMap(first) && list.commentBefore != null) {
      first.commentBefore = list.commentBefore;
      list.commentBefore = null;
    }
    return list;
  }

  #addKey(key: string): void {
    const pairs = (this.#source.contents as YAMLMap).items;
    const pair = pairs.find((each) => String(each.key) === key);
    if (pair !== undefined) (this.#document.contents as YAMLMap).items.push(pair);
  }
}

function setFormat(node: unknown, format: string): void {
  if (!isMap(node)) return;
  if (format === "auto") node.delete("format");
  else node.set("format", format);
}
