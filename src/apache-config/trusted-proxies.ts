import { parseTarget, prefixOf, type Target } from "../model/ip.ts";
import type { FileTree } from "./files.ts";
import type { Directive, ReadConfig, ReadProblem } from "./reader.ts";
import { logicalLines, type Place, wordsOf } from "./words.ts";

/** What mod_remoteip is told. */
export interface TrustedProxies {
  /** The header that names the client; null when there is none and Apache sees the peer. */
  readonly header: { readonly name: string; readonly place: Place } | null;
  readonly targets: readonly { readonly target: Target; readonly place: Place }[];
  readonly problems: readonly ReadProblem[];
}

const MAX_TARGETS = 10_000;

export function trustedProxiesOf(config: ReadConfig, tree: FileTree): TrustedProxies {
  const targets = new Map<Target, Place>();
  const problems: ReadProblem[] = [];
  let named = 0;
  for (const directive of config.directives) {
    if (!/^remoteip(trusted|internal)proxy(list)?$/.test(directive.name)) continue;
    for (const { word, place } of wordsIn(directive, config, tree, problems)) {
      named++;
      const target = proxyTarget(word);
      if (target === null) problems.push({ place, ...unknownName(word) });
      else if (prefixOf(target).bits === 0) problems.push({ place, ...EVERYBODY });
      else if (targets.size < MAX_TARGETS) targets.set(target, targets.get(target) ?? place);
    }
  }
  const header = config.directives.findLast(({ name }) => name === "remoteipheader");
  if (header !== undefined && named === 0) problems.push({ place: header.place, ...NOBODY_NAMED });
  return {
    header: header === undefined ? null : { name: header.words[0] ?? "", place: header.place },
    targets: [...targets].map(([target, place]) => ({ target, place })),
    problems: problems.slice(0, 100),
  };
}

const unknownName = (word: string) => ({
  message: `the trusted proxy '${word}' is not an address, and names are not looked up`,
  hint: "add its addresses to trustedProxies by hand",
});
const EVERYBODY = {
  message: "everybody is a trusted proxy here, so any client can say that it is another",
  hint: "name only your proxies' addresses: whoever forges the header could have others banned",
};
const NOBODY_NAMED = {
  message:
    "RemoteIPHeader without RemoteIPTrustedProxy or RemoteIPInternalProxy believes the header of every client",
  hint: "name your proxies' addresses: whoever forges the header could have others banned",
};

function wordsIn(directive: Directive, config: ReadConfig, tree: FileTree, problems: ReadProblem[]) {
  const { words, place } = directive;
  if (!directive.name.endsWith("list")) return words.map((word) => ({ word, place }));
  const path = tree.locate(words[0] ?? "", config.serverRoot);
  const content = tree.read(path);
  if ("text" in content)
    return [...logicalLines(content.text, path)].flatMap((line) =>
      wordsOf(line.text.replace(/#.*$/, "")).map((word) => ({ word, place: line.place })),
    );
  const why = content.failure === "missing" ? "there is no such file" : content.failure;
  problems.push({ place, message: `${path}: ${why}`, hint: "add the proxies to trustedProxies by hand" });
  return [];
}

/** An address or range as apr_ipsubnet_create has it: with a length, with a mask, or the first bytes only (`10.1`). */
function proxyTarget(word: string): Target | null {
  const [address = "", length] = word.split("/");
  if (length !== undefined && /^\d+\.\d+\.\d+\.\d+$/.test(length)) {
    const bits = maskBits(length);
    return bits === null ? null : parseTarget(`${address}/${bits}`);
  }
  const bytes = /^\d+(\.\d+){0,2}\.?$/.test(word) ? word.replace(/\.$/, "").split(".") : null;
  if (bytes !== null)
    return parseTarget(`${[...bytes, "0", "0", "0"].slice(0, 4).join(".")}/${bytes.length * 8}`);
  // A bare IPv6 address is itself here, not its /64.
  return parseTarget(length === undefined && address.includes(":") ? `${address}/128` : word);
}

function maskBits(mask: string): number | null {
  const ones = mask
    .split(".")
    .map((byte) => Number(byte).toString(2).padStart(8, "0"))
    .join("");
  return /^1*0*$/.test(ones) && ones.length === 32 ? ones.lastIndexOf("1") + 1 : null;
}
