/** The other end of test/tcp-client.ts, inside a namespace: connections from any address, and a server that echoes. */
import { connect, createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { TcpAnswer, TcpAsk } from "./tcp-client.ts";

interface Held {
  readonly socket: Socket;
  heard: string;
}

const held = new Map<string, Held>();
const say = (answer: TcpAnswer): void => void process.stdout.write(`${JSON.stringify(answer)}\n`);

function open({ id, from, port, to }: TcpAsk): void {
  const socket = connect({ host: to, port, localAddress: from });
  const connection: Held = { socket, heard: "" };
  held.get(from)?.socket.destroy();
  held.set(from, connection);
  let isAnswered = false;
  const answer = (isOpen: boolean): void => {
    if (!isAnswered) say({ id, isOpen, heard: "" });
    isAnswered = true;
  };
  socket.setEncoding("latin1").on("data", (text: string) => {
    connection.heard += text;
  });
  socket.on("error", () => answer(false)).on("connect", () => answer(true));
  // A packet that is dropped is never answered. But packets that follow it on the loopback are, so when the third
  // connection after it is there, it would be there as well.
  const witness = (left: number): void => {
    const other = connect({ host: to, port, localAddress: from.includes(":") ? "::1" : "127.0.0.1" });
    other
      .on("error", () => answer(false))
      .on("connect", () => {
        other.destroy();
        if (left > 0) witness(left - 1);
        else setImmediate(() => answer(false));
      });
  };
  witness(2);
}

function look({ id, from }: TcpAsk): void {
  const connection = held.get(from);
  const isOpen = connection !== undefined && !connection.socket.destroyed && !connection.socket.connecting;
  say({ id, isOpen, heard: connection?.heard ?? "" });
}

function carryOut(ask: TcpAsk): void {
  if (ask.what === "open") {
    open(ask);
    return;
  }
  if (ask.what === "send") held.get(ask.from)?.socket.write(ask.text, "latin1");
  if (ask.what === "close") {
    held.get(ask.from)?.socket.destroy();
    held.delete(ask.from);
  }
  look(ask);
}

const echo = createServer((socket) => socket.on("error", () => {}).pipe(socket));
echo.listen(Number(process.argv[2]), "::", () => say({ id: 0, isOpen: true, heard: "" }));
createInterface({ input: process.stdin })
  .on("line", (line) => carryOut(JSON.parse(line) as TcpAsk))
  .on("close", () => process.exit(0));
