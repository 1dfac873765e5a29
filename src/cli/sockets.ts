import type { Command } from "commander";
import type { Page, SocketHolder, SocketItem, Status } from "../model/api.ts";
import { connectToDaemon } from "./client.ts";
import { type CliContext, CONFIG_OPTION, NO_DAEMON, subcommand } from "./context.ts";
import { moment, size, span, writeJson } from "./output.ts";
import { type Cell, heads, table } from "./table.ts";

interface SocketsOptions {
  readonly all?: boolean;
  readonly each?: boolean;
  readonly json?: boolean;
  readonly config?: string;
}

export const socketsCommand = (context: CliContext): Command =>
  subcommand("sockets", {
    summary: "List the open WebSockets, by who holds them.",
    description:
      "Apache tells of a WebSocket when it opens only with the lines of `sekisho apache snippet` and mod_log_debug.",
    examples: [
      ["sekisho sockets", "who holds how many WebSockets open, from which page, and since when"],
      ["sekisho sockets --each", "each open WebSocket, newest first"],
      ["sekisho sockets --all", "also the last that closed, with lifetime and bytes"],
      ["sekisho sockets --json | jq -r '.items[].origin' | sort | uniq -c", "for programs"],
    ],
    exits: [[0, "listed"], [2, "wrong usage or configuration"], NO_DAEMON],
  })
    .option("--each", "each WebSocket by itself, newest first")
    .option("--all", "each, also WebSockets that have closed")
    .option("--json", "print JSON and nothing else")
    .option(...CONFIG_OPTION)
    .action(async (options: SocketsOptions) => {
      const daemon = await connectToDaemon(context, options.config);
      const all = options.all === true;
      if (!all && !options.each && !options.json) {
        const { items } = (await daemon.request("GET", "/api/sockets/holders")) as Page<SocketHolder>;
        const status = (await daemon.request("GET", "/api/status")) as Status;
        context.stdout(items.length === 0 ? noneText(status, all) : holdersText(context, items, status));
        return;
      }
      const items = await daemon.collection<SocketItem>(all ? "/api/sockets" : "/api/sockets?state=open");
      if (options.json) writeJson(context, { items, next: null });
      else if (items.length > 0) context.stdout(socketsText(context, items, all));
      else context.stdout(noneText((await daemon.request("GET", "/api/status")) as Status, all));
    });

function noneText({ events }: Status, all: boolean): string {
  if (events.opening > 0) return all ? "No WebSocket is kept.\n" : "No WebSocket is open.\n";
  return (
    "No WebSocket is known to be open: Apache has told of no opening yet.\n" +
    "   hint: it tells of the next one that opens, where it has the lines of `sekisho apache snippet` and mod_log_debug\n" +
    "         (a2enmod log_debug); see docs/apache.md\n"
  );
}

function holdersText(context: CliContext, holders: readonly SocketHolder[], status: Status): string {
  const head = heads("client", "open", "since", "origin", "", "asked for");
  const rows = holders.map((holder): (string | Cell)[] => [
    holder.client,
    { text: holder.open.toLocaleString("en"), right: true },
    moment(holder.firstOpenedAt),
    holder.origin ?? "none sent",
    { text: marksOf(holder), style: "red" },
    `${holder.host}${holder.path}`,
  ]);
  const more = status.sockets.open - holders.reduce((sum, { open }) => sum + open, 0);
  const rest = more > 0 ? `And ${more.toLocaleString("en")} more: sekisho sockets --each\n` : "";
  return table(context, [head, ...rows], { drop: [2], cut: [3, 5] }) + rest;
}

const marksOf = ({ foreign, banned }: SocketHolder): string =>
  [...(foreign ? ["foreign"] : []), ...(banned ? ["banned"] : [])].join(", ");

function socketsText(context: CliContext, sockets: readonly SocketItem[], all: boolean): string {
  const ends = all ? ["state", "lifetime", "in", "out"] : [];
  const head = heads("client", "since", ...ends, "origin", "asked for");
  const rows = sockets.map((socket) => [
    socket.client,
    moment(socket.openedAt),
    ...(all ? endOf(socket) : []),
    socket.origin ?? "none sent",
    `${socket.host ?? socket.vhost}${socket.path}`,
  ]);
  return table(context, [head, ...rows], { drop: [1], cut: [head.length - 1, head.length - 2] });
}

function endOf({ state, status, lifetimeMs, bytesIn, bytesOut }: SocketItem): string[] {
  const refused = state === "closed" && status !== 101;
  return [
    refused ? `refused, ${status}` : state,
    lifetimeMs === null ? "-" : span(lifetimeMs),
    bytesIn === null ? "-" : size(bytesIn),
    bytesOut === null ? "-" : size(bytesOut),
  ];
}
