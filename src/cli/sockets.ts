import type { Command } from "commander";
import type { SocketItem } from "../model/api.ts";
import { connectToDaemon } from "./client.ts";
import { type CliContext, CONFIG_OPTION, subcommand } from "./context.ts";
import { type Cell, moment, size, span, table, writeJson } from "./output.ts";

interface SocketsOptions {
  readonly all?: boolean;
  readonly json?: boolean;
  readonly config?: string;
}

export const socketsCommand = (context: CliContext): Command =>
  subcommand("sockets", {
    summary: "List the open WebSockets, newest first.",
    description:
      "Apache tells of a WebSocket when it opens only with the lines of `sekisho apache snippet` and mod_log_debug.",
    examples: [
      ["sekisho sockets", "who holds which WebSocket open, from which page, and since when"],
      ["sekisho sockets --all", "also the last that closed, with lifetime and bytes"],
      ["sekisho sockets --json | jq -r '.items[].origin' | sort | uniq -c", "for programs"],
    ],
    exits: [
      [0, "listed"],
      [2, "wrong usage or configuration"],
      [3, "the daemon does not run, or does not let this user in"],
    ],
  })
    .option("--all", "also WebSockets that have closed")
    .option("--json", "print JSON and nothing else")
    .option(...CONFIG_OPTION)
    .action(async (options: SocketsOptions) => {
      const daemon = connectToDaemon(context, options.config);
      const path = options.all ? "/api/sockets" : "/api/sockets?state=open";
      const items = await daemon.collection<SocketItem>(path);
      if (options.json) writeJson(context, { items, next: null });
      else context.stdout(socketsText(context, items, options.all === true));
    });

function socketsText(context: CliContext, sockets: readonly SocketItem[], all: boolean): string {
  if (sockets.length === 0) return all ? "No WebSocket was told of.\n" : "No WebSocket is open.\n";
  const ends = all ? ["state", "lifetime", "in", "out"] : [];
  const heading = ["client", "since", ...ends, "origin", "asked for"].map(
    (text): Cell => ({ text, style: "bold" }),
  );
  const rows = sockets.map((socket) => [
    socket.client,
    moment(socket.openedAt),
    ...(all ? endOf(socket) : []),
    socket.origin ?? "none sent",
    `${socket.host ?? socket.vhost}${socket.path}`,
  ]);
  return table(context, [heading, ...rows]);
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
