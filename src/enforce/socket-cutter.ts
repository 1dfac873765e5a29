import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { SekishoError } from "../model/errors.ts";
import { type Ip, isIpv4, parseIp, singleOf, type TargetSet } from "../model/ip.ts";
import { mayAdministerNetwork } from "./network-admin.ts";
import { printable, runProgram } from "./program.ts";

/** A line of ss is about a hundred bytes; this is half a million sockets. */
const MAX_LISTING = 64 * 2 ** 20;
const TIMEOUT_MS = 30_000;
/** The kernel takes 64 KiB of filter, and an argument list has its limit too. */
const PEERS_AT_ONCE = 256;
const ATTEMPTS = 4;
const BETWEEN_MS = 100;

/** States in which a client is served: the second is of those who have sent all they will. */
const SERVED = ["state", "established", "state", "close-wait"];

export interface CutterOptions {
  /** Of the web server; sockets of other ports are never touched. */
  readonly ports: readonly number[];
  /** Default: ss. */
  readonly program?: string;
}

export interface Cut {
  /** Sockets that are closed now. */
  readonly closed: number;
  /** Sockets that no attempt closed. */
  readonly left: number;
}

interface OpenSocket {
  readonly peer: Ip;
  /** Both ends with their ports: whoever connects again has another. */
  readonly key: string;
}

/**
 * Closes what clients have open to the web server, by `ss -K`, which has the kernel abort sockets. What is banned is looked
 * for among the open sockets and not the other way round: the cost grows with the sockets, not with the bans.
 */
export class SocketCutter {
  readonly #ports: readonly number[];
  readonly #program: string;

  constructor({ ports, program = "ss" }: CutterOptions) {
    this.#ports = ports;
    this.#program = program;
  }

  /** Closes a socket to ourselves. Throws CUT_UNAVAILABLE when it stays open. */
  async probe(signal: AbortSignal): Promise<void> {
    await using pair = await connectToSelf();
    const { stderr } = await this.#run(["--kill", ...SERVED, pair.filter], signal);
    if ((await this.#list(pair.filter, signal)).length === 0) return;
    throw unavailable(
      `ss could not close a socket of its own: ${printable(stderr) || "it gave no reason"}`,
      (await mayAdministerNetwork())
        ? "the kernel lacks CONFIG_INET_DIAG_DESTROY, or the container may not use it"
        : "grant CAP_NET_ADMIN (AmbientCapabilities=CAP_NET_ADMIN in the unit)",
    );
  }

  /** Closes the sockets of clients that `targets` covers. */
  async cut(targets: TargetSet, signal: AbortSignal): Promise<Cut> {
    const onPorts = anyOf(this.#ports.map((port) => `sport = :${port}`));
    const isBanned = (peer: Ip): boolean => targets.covering(singleOf(peer)) !== null;
    const found = (await this.#list(onPorts, signal)).filter(({ peer }) => isBanned(peer));
    let left = found;
    for (let attempt = 0; left.length > 0 && attempt < ATTEMPTS; attempt++) {
      if (attempt > 0) await sleep(BETWEEN_MS, undefined, { signal });
      await this.#kill(onPorts, [...new Set(left.map(({ peer }) => peer))], signal);
      const open = new Set((await this.#list(onPorts, signal)).map(({ key }) => key));
      left = left.filter(({ key }) => open.has(key));
    }
    return { closed: found.length - left.length, left: left.length };
  }

  async #kill(onPorts: string, peers: readonly Ip[], signal: AbortSignal): Promise<void> {
    for (let start = 0; start < peers.length; start += PEERS_AT_ONCE) {
      const some = peers.slice(start, start + PEERS_AT_ONCE);
      const ofPeers = anyOf(some.map((peer) => `dst ${isIpv4(peer) ? peer : `[${peer}]`}`));
      await this.#run(["--kill", ...SERVED, `${onPorts} and ${ofPeers}`], signal);
    }
  }

  async #list(filter: string, signal: AbortSignal): Promise<OpenSocket[]> {
    const { stdout } = await this.#run([...SERVED, filter], signal);
    return stdout.split("\n").flatMap((line) => readSocket(line) ?? []);
  }

  async #run(args: readonly string[], signal: AbortSignal) {
    const result = await runProgram(this.#program, ["--no-header", "--tcp", "--numeric", ...args], {
      timeoutMs: TIMEOUT_MS,
      maxOutput: MAX_LISTING,
      signal,
    });
    if (result.kind === "missing") {
      throw unavailable(`there is no program '${this.#program}'`, "install the package iproute2");
    }
    if (result.kind === "ended" && result.status === 0 && !result.isCut) return result;
    const why = result.kind === "late" ? "it did not end in time" : printable(result.stderr);
    throw new SekishoError("CUT_FAILED", `ss could not list or close sockets: ${why}`, TRIED_AGAIN);
  }
}

/** `ESTAB 0 0 [::ffff:192.0.2.1]:443 [::ffff:203.0.113.7]:50000`, with or without the state. */
function readSocket(line: string): OpenSocket | null {
  const [local, remote] = line.trim().split(/\s+/).slice(-2);
  if (local === undefined || remote === undefined) return null;
  const address = remote.slice(0, remote.lastIndexOf(":")).replace(/^\[|\]$/g, "");
  const peer = parseIp(address.replace(/%.*$/, ""));
  return peer === null ? null : { peer, key: `${local} ${remote}` };
}

const anyOf = (conditions: readonly string[]): string => `( ${conditions.join(" or ")} )`;

/** A connection to a port of our own, and what names its accepted end. */
async function connectToSelf(): Promise<AsyncDisposable & { readonly filter: string }> {
  const server = createServer((socket) => socket.on("error", () => {}));
  try {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    await Promise.all([once(server, "connection"), once(socket, "connect")]);
    return {
      filter: `( sport = :${port} and dport = :${socket.localPort} )`,
      [Symbol.asyncDispose]: async () => {
        socket.destroy();
        server.close();
      },
    };
  } catch (cause) {
    server.close();
    throw unavailable("it could not be tried: nothing can connect to 127.0.0.1", TRIED_AGAIN, cause);
  }
}

const TRIED_AGAIN = "it is tried again; `sudo ss -tn 'sport = :443'` shows what is open";

const unavailable = (message: string, hint: string, cause?: unknown): SekishoError =>
  new SekishoError(
    "CUT_UNAVAILABLE",
    `connections of banned clients stay open: ${message}`,
    `${hint}, or set cut.enabled: false`,
    { cause },
  );
