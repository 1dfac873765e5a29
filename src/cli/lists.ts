import type { Command } from "commander";
import type { ListStatus } from "../model/api.ts";
import { SekishoError } from "../model/errors.ts";
import { printable } from "../model/safe-text.ts";
import { connectToDaemon, type DaemonClient, LONG_PATIENCE_MS } from "./client.ts";
import { type CliContext, CONFIG_OPTION, NO_DAEMON, subcommand } from "./context.ts";
import { printableLines, writeJson } from "./output.ts";
import { listRow } from "./status.ts";
import { table } from "./table.ts";

interface ListsOptions {
  readonly fetch?: boolean;
  readonly json?: boolean;
  readonly config?: string;
}

export const listsCommand = (context: CliContext): Command =>
  subcommand("lists", {
    summary: "Show the imported lists, or fetch them now.",
    description:
      "Lists are named under `lists:` in the configuration, and each is fetched on its schedule. A list that is refused or away keeps its last good entries.",
    examples: [
      ["sekisho lists", "each with its entries, when it was fetched, and what is wrong with it"],
      ["sekisho lists --fetch", "fetch all of them now"],
      ["sekisho lists drop --fetch", "fetch the list that is called drop"],
      ["sekisho lists --json | jq '.items[] | select(.error != null)'", "for programs"],
    ],
    exits: [
      [0, "shown, and nothing is wrong with them"],
      [1, "a list could not be fetched, or was refused"],
      [2, "wrong usage or configuration, or there is no such list"],
      NO_DAEMON,
    ],
  })
    .argument("[name]", "one of them")
    .option("--fetch", "fetch now; the answer comes when it is done")
    .option("--json", "print JSON and nothing else")
    .option(...CONFIG_OPTION)
    .action(async (name: string | undefined, { fetch, json, config }: ListsOptions) => {
      const daemon = await connectToDaemon(context, config);
      const known = chosen(await daemon.collection<ListStatus>("/api/lists"), name);
      const lists = fetch ? await fetched(daemon, known) : known;
      if (lists.some(({ error }) => error !== null)) context.exitStatus = 1;
      if (json) writeJson(context, { items: lists, next: null });
      else context.stdout(listsText(context, lists));
    });

function chosen(lists: readonly ListStatus[], name: string | undefined): readonly ListStatus[] {
  if (name === undefined) return lists;
  const found = lists.filter((list) => list.name === name);
  if (found.length > 0) return found;
  const names = lists.map((list) => list.name).join(", ");
  throw new SekishoError(
    "USAGE",
    `there is no list '${printable(name)}'`,
    names === "" ? "name one under lists: in the configuration" : `there are: ${names}`,
  );
}

/** One after the other, as the daemon does. */
async function fetched(daemon: DaemonClient, lists: readonly ListStatus[]): Promise<ListStatus[]> {
  const done: ListStatus[] = [];
  for (const { name } of lists) {
    const path = `/api/lists/${encodeURIComponent(name)}/fetch`;
    done.push((await daemon.request("POST", path, undefined, LONG_PATIENCE_MS)) as ListStatus);
  }
  return done;
}

function listsText(context: CliContext, lists: readonly ListStatus[]): string {
  if (lists.length === 0) return "No list is imported. Name one under lists: in the configuration.\n";
  const problems = lists.map(({ error, hint }) =>
    error === null ? "" : `\nproblem: ${printableLines(error)}\n   hint: ${printableLines(hint ?? "")}\n`,
  );
  const rows = lists.map((list) => [...listRow(context, list), list.from]);
  return table(context, rows, { cut: [10, 9] }) + problems.join("");
}
