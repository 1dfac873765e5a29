import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

const TYPES = { A: 1, PTR: 12, AAAA: 28 } as const;
const SERVER_FAILURE = 2;
const NO_SUCH_NAME = 3;

/** What the server says: by type and name the values; `fails` for names that it has trouble with. */
export type Zone = Readonly<Record<string, readonly string[] | "fails">>;

/** A DNS server on loopback (RFC 1035) that knows a few names and counts what it is asked. */
export async function dnsServer(zone: Zone) {
  const asked: string[] = [];
  const socket = createSocket("udp4");
  socket.on("message", (query, { port, address }) => {
    const { key, end } = questionOf(query);
    asked.push(key);
    const found = zone[key];
    const values = found === undefined || found === "fails" ? [] : found;
    const code = found === "fails" ? SERVER_FAILURE : found === undefined ? NO_SUCH_NAME : 0;
    const head = Buffer.alloc(12);
    query.copy(head, 0, 0, 2);
    head.writeUInt16BE(0x8180 | code, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(values.length, 6);
    const records = values.map((value) => record(query.readUInt16BE(end - 4), value));
    socket.send(Buffer.concat([head, query.subarray(12, end), ...records]), port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    asked,
    server: `127.0.0.1:${(socket.address() as AddressInfo).port}`,
    [Symbol.dispose]: () => void socket.close(),
  };
}

/** `PTR 7.2.0.192.in-addr.arpa`, and where the question ends. */
function questionOf(query: Buffer): { readonly key: string; readonly end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length).toLowerCase());
    at += 1 + length;
  }
  const type = Object.entries(TYPES).find(([, number]) => number === query.readUInt16BE(at + 1));
  return { key: `${type?.[0]} ${labels.join(".")}`, end: at + 5 };
}

function record(type: number, value: string): Buffer {
  const data = type === TYPES.PTR ? nameBytes(value) : addressBytes(value);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0); // the name of the question
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(60, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

const nameBytes = (name: string): Buffer =>
  Buffer.concat([
    ...name.split(".").map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
    Buffer.from([0]),
  ]);

/** Of IPv6 only with all groups written out. */
const addressBytes = (address: string): Buffer =>
  address.includes(":")
    ? Buffer.from(
        address
          .split(":")
          .map((group) => group.padStart(4, "0"))
          .join(""),
        "hex",
      )
    : Buffer.from(address.split(".").map(Number));
