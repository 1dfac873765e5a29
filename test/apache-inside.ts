/**
 * Runs inside the namespace of test/apache.ts: sends the requests that its standard input asks for, one JSON
 * object a line, and is the backend behind Apache's /ws/ (it answers 101 to a handshake and 200 to the rest).
 */
import { createHash } from "node:crypto";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import type { Duplex } from "node:stream";
import type { Answer, Ask } from "./apache.ts";

const WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const backend = createServer((_, response) => response.end("backend"));
backend.on("upgrade", (incoming, socket) => {
  const key = incoming.headers["sec-websocket-key"] ?? "";
  const accept = createHash("sha1").update(`${key}${WEBSOCKET_GUID}`).digest("base64");
  socket.on("error", () => socket.destroy());
  socket.on("end", () => socket.end());
  socket.resume();
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
});
backend.listen(9001, "127.0.0.1", () => answer({ id: 0 }));

const answer = (value: Partial<Answer> & { readonly id: number }): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`);
};

const HANDSHAKE = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "c2VraXNobyB0ZXN0IGtleQ==",
};

/** WebSockets that stay open. */
const held = new Set<Duplex>();

function release(): void {
  for (const socket of held) socket.destroy();
  held.clear();
}

function send(ask: Ask): void {
  const headers = { Host: ask.host, ...(ask.upgrade ? HANDSHAKE : { Connection: "close" }), ...ask.headers };
  const outgoing = request({
    host: ask.to,
    port: 80,
    localAddress: ask.from,
    method: ask.method,
    path: ask.path,
    headers,
    agent: false,
    timeout: 60_000,
  });
  const fail = (error: Error): void => answer({ id: ask.id, error: error.message });
  outgoing.on("timeout", () => outgoing.destroy(new Error("no answer within a minute")));
  outgoing.on("error", fail);
  outgoing.on("upgrade", (response, socket) => {
    socket.on("error", () => {});
    if (ask.hold) held.add(socket);
    else socket.destroy();
    answer({ id: ask.id, status: response.statusCode!, headers: response.headers, body: "" });
  });
  outgoing.on("response", (response) => {
    let body = "";
    response.setEncoding("latin1");
    response.on("data", (text: string) => {
      body += text;
    });
    response.on("error", fail);
    response.on("end", () =>
      answer({ id: ask.id, status: response.statusCode!, headers: response.headers, body }),
    );
  });
  outgoing.end(ask.body);
}

/** Bytes as they are, for what no well-behaved client sends; answers with everything that comes back. */
function sendRaw(ask: Ask, bytes: string): void {
  const socket = connect({ host: ask.to, port: 80, localAddress: ask.from, timeout: 60_000 });
  let body = "";
  socket.setEncoding("latin1");
  socket.on("data", (text: string) => {
    body += text;
  });
  socket.on("timeout", () => socket.destroy(new Error("no answer within a minute")));
  socket.on("error", (error) => answer({ id: ask.id, error: error.message }));
  socket.on("end", () => {
    socket.destroy();
    answer({ id: ask.id, status: Number(/^HTTP\/\S+ (\d+)/.exec(body)?.[1] ?? 0), headers: {}, body });
  });
  socket.end(Buffer.from(bytes, "latin1"));
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const ask = JSON.parse(line) as Ask;
  try {
    if (ask.release === true) {
      release();
      answer({ id: ask.id });
    } else if (ask.raw === undefined) send(ask);
    else sendRaw(ask, ask.raw);
  } catch (error) {
    answer({ id: ask.id, error: String(error) });
  }
});
process.stdin.on("end", () => process.exit(0));
