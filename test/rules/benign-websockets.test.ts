import { expect, test } from "vitest";
import { judged } from "./judged.ts";
import { audit, handshake, opening } from "./lines.ts";

const HOUR = 3_600;

/** Lines with the second in which they are written. */
type Written = readonly (readonly [at: number, line: string])[];
interface Open {
  readonly client: string;
  readonly at: number;
  readonly seconds: number;
  readonly status?: number;
}

/** Both lines of a socket, or the two of one that the app refused. */
const socket = ({ client, at, seconds, status = 101 }: Open): Written => [
  [at, opening({ client, at })],
  [at + seconds, handshake({ client, at, seconds, status, bytesIn: 9_000, bytesOut: 400_000 })],
];

/** Tries again and again, twice as late each time up to `longest` seconds. */
function retries(client: string, from: number, until: number, longest: number, status: number): Written {
  const lines: [number, string][] = [];
  let wait = 1;
  for (let at = from; at < until; at += wait) {
    for (const [second, line] of socket({ client, at, seconds: 0.01, status })) lines.push([second, line]);
    wait = Math.min(longest, wait * 2);
  }
  return lines;
}

/** People behind one address: the backend is gone twice a day for twelve seconds, and everybody comes back. */
function office(client: string, people: number): Written {
  return Array.from({ length: people }, (_, person) => {
    const deploys = [2 * HOUR, 6 * HOUR];
    const lines: (readonly [number, string])[] = [];
    let from = person * 25;
    for (const deploy of deploys) {
      lines.push(...socket({ client, at: from, seconds: deploy - from }));
      lines.push(...retries(client, deploy + person * 0.04, deploy + 12, 4, 503));
      from = deploy + 12 + person * 0.1;
    }
    lines.push(...socket({ client, at: from, seconds: HOUR + person }));
    return lines;
  }).flat();
}

const every = (seconds: number, count: number, line: (at: number) => string): Written =>
  Array.from({ length: count }, (_, index) => [index * seconds, line(index * seconds)] as const);

const INNOCENT: Readonly<Record<string, Written>> = {
  "an office whose apps reconnect after two deploys": office("198.51.100.1", 38),
  "a tab whose session has ended (401), which waits up to half a minute": retries(
    "198.51.100.2",
    0,
    3 * HOUR,
    30,
    401,
  ),
  "a tab whose session has ended (403), which waits up to half a minute": retries(
    "2001:db8:1:3::1",
    0,
    3 * HOUR,
    30,
    403,
  ),
  "a tab whose session has ended (401), which waits five seconds": retries("198.51.100.4", 0, HOUR, 5, 401),
  "a tab whose session has ended (403), which waits five seconds": retries("198.51.100.5", 0, HOUR, 5, 403),
  "a telephone on a train": Array.from({ length: 90 }, (_, index) =>
    socket({ client: "2001:db8:1:6::1", at: index * 40, seconds: 30 }),
  ).flat(),
  "a screen on the wall, open for a week": socket({ client: "198.51.100.7", at: 0, seconds: 7 * 86_400 }),
  "a tab that reports an old token every ten seconds": every(10, 1_000, (at) =>
    audit("auth.token_expired", { client: "198.51.100.8", at }),
  ),
  "an office that signs in in the morning, and mistypes one time in three": every(4, 300, (at) =>
    audit((at / 4) % 3 === 0 ? "auth.failed" : "auth.succeeded", {
      client: "198.51.100.9",
      at,
      user: `u${(at / 4) % 90}`,
    }),
  ),
  "a laptop that goes home: one ticket of the other address, now and then": every(HOUR, 8, (at) =>
    audit("ws.ticket_address_mismatch", { client: "198.51.100.10", at }),
  ),
  "somebody with many tabs at the limit of connections": every(30, 400, (at) =>
    audit("ws.connection_limit", { client: "198.51.100.11", at }),
  ),
};

test.each(Object.entries(INNOCENT))("%s is not banned", async (_, written) => {
  const lines = written.toSorted(([one], [other]) => one - other).map(([, line]) => line);
  // A line of each kind first, so that each line is read for what it is.
  const { decisions } = await judged([
    handshake({ at: 0 }),
    opening({ at: 0 }),
    audit("ws.open", { at: 0 }),
    ...lines,
  ]);
  expect(decisions.map(({ target, rule }) => `${target} ${rule}`)).toEqual([]);
});
