import { relative } from "node:path";
import { stringify } from "yaml";
import type { Place } from "../apache-config/words.ts";
import { printable } from "../model/safe-text.ts";
import { type InitPlan, logsToRead, serversText } from "./init-plan.ts";

/** The configuration that a plan leads to. `data` is as it is written there. */
export function configText(plan: InitPlan, data: string): string {
  const { apache, origins, proxies } = plan;
  const logs = logsToRead(plan).flatMap(({ kind, path, format, servers, place }) => [
    `  # ${comment([serversText(servers), place === null ? "" : placeText(place)].filter(Boolean).join(": "))}`,
    `  - path: ${scalar(path)}`,
    ...(kind === "error" ? ["    kind: error"] : []),
    ...(format === null ? [] : [`    format: ${scalar(format)}`]),
  ]);
  const list = (key: string, why: string, values: readonly string[]): string[] =>
    values.length === 0 ? [] : [`${key}: # ${why}`, ...values.map((value) => `  - ${scalar(value)}`)];
  return `${[
    `# Made by \`sekisho init\` from ${comment(apache.main)}. When Apache gets new vhosts and logs:`,
    "# sekisho init --write --force. docs/configuration.md explains every key.",
    "mode: observe # decides and records, and blocks nothing; enforce also blocks",
    `data: ${scalar(data)}`,
    ...(logs.length === 0 ? ["logs: []"] : ["logs:", ...logs]),
    ...list(
      "origins",
      "whose pages may open WebSockets; add other sites of yours that do",
      origins.map(({ origin }) => origin),
    ),
    ...list(
      "trustedProxies",
      "in front of Apache, never banned",
      proxies.targets.map(({ target }) => target),
    ),
    ...enforcerLines(plan),
  ].join("\n")}\n`;
}

/** In force where Apache has the snippet already; else lines from which only the # has to go. */
function enforcerLines({ apache, snippet }: InitPlan): string[] {
  const found = apache.tree.root === "/" ? snippet : null;
  const isThere = found !== null && (found.directory !== null || found.includeFile !== null);
  const file = found?.includeFile ?? null;
  const options = [...(file === null ? [] : [`file: ${scalar(file)}`]), `control: ${apache.control}`];
  const directory = scalar(found?.directory ?? "/run/sekisho/banned");
  const lines = [
    "enforcers:",
    ...(isThere && found.directory === null ? [] : [`  apache-directory: { directory: ${directory} }`]),
    ...(isThere && file === null
      ? []
      : [`  apache-include: { ${options.join(", ")}, schedule: "17 * * * *" }`]),
  ];
  return isThere
    ? ["# Apache has the lines of `sekisho apache snippet`. To block: set mode: enforce.", ...lines]
    : [
        "# To block: put the lines of `sekisho apache snippet` into Apache, take the # off the lines below, and set",
        "# mode: enforce.",
        ...lines.map((line) => `#${line}`),
      ];
}

/** A value as YAML takes it back, on one line. */
const scalar = (text: string): string =>
  stringify(text, { lineWidth: 0, singleQuote: true, blockQuote: false }).trimEnd();

const comment = (text: string): string => printable(text);

export const placeText = ({ file, line }: Place): string => `${file}:${line}`;

/** Paths below Apache's ServerRoot are shown from there. */
export function shortPlace(place: Place | null, plan: InitPlan): string {
  if (place === null) return "";
  const short = relative(plan.apache.tree.locate(plan.config.serverRoot, "/"), place.file);
  return placeText({ ...place, file: short.startsWith("..") ? place.file : short });
}
