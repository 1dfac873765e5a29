import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { apacheSnippet } from "../../src/enforce/apache/snippet.ts";
import { OPENING_MESSAGE } from "../../src/parse/opening.ts";
import { type Apache, SERVER_IPV4, SERVER_IPV6, startApache } from "../apache.ts";
import { DaemonUnderTest } from "../e2e/daemon.ts";
import type { Attackers, Refusal } from "./attackers-inside.ts";
import { fail2banVersion, startFail2ban } from "./fail2ban.ts";
import { type BenchOptions, markdown, percentile } from "./measure.ts";
import type { Visited } from "./visitors-inside.ts";

const ATTACKERS = 100;
/** Each of theirs is a reload of Apache. */
const ATTACKERS_WITH_RELOAD = 20;
/** Come first and are not measured: programs that have just started compile their code. */
const WARM_UP = 5;
const WARM_UP_MS = 3_000;
/** What fail2ban looks for, and only that. Sekisho looks for all that its rules know. */
const FAILREGEX = String.raw`^<HOST> \S+ \S+ \[[^\]]*\] "GET [^"]*%%24%%7Bjndi:`;
const OFFENCES = "offences.log";

type Person = Attackers["person"];

/** A program that bans, beside an Apache in whose namespace it was started. */
interface Contender {
  readonly what: string;
  readonly attackers: number;
  start(apache: Apache, directory: string): Promise<AsyncDisposable & { readonly person?: Person }>;
}

interface Run {
  readonly delays: readonly number[];
  readonly visited: Visited;
}

const sekisho = (what: string, attackers: number, enforcer: (apache: Apache) => string): Contender => ({
  what,
  attackers,
  async start(apache, directory) {
    const config = `mode: enforce
logs: [{ path: ${apache.accessLog} }, { path: ${apache.errorLog}, kind: error }]
enforcers: { ${enforcer(apache)} }
`;
    const folder = mkdtempSync(join(directory, "sekisho-"));
    const daemon = new DaemonUnderTest(folder, config, (command, args, options) =>
      apache.inNamespace(command, args, options),
    );
    await daemon.start();
    const { url } = JSON.parse(readFileSync(join(daemon.data, "daemon.json"), "utf8")) as { url: string };
    const token = readFileSync(join(daemon.data, "token"), "utf8").trim();
    const person = { url, token, enforcer: "apache-include" };
    const end = () => daemon[Symbol.asyncDispose]();
    return {
      person: enforcer(apache).startsWith(person.enforcer) ? person : null,
      [Symbol.asyncDispose]: end,
    };
  },
});

const CONTENDERS: readonly Contender[] = [
  sekisho("apache-directory", ATTACKERS, ({ root }) => `apache-directory: { directory: ${root}/banned }`),
  sekisho("nftables", ATTACKERS, () => "nftables: {}"),
  sekisho(
    "apache-include, reloaded when asked for",
    ATTACKERS_WITH_RELOAD,
    ({ root, control }) => `apache-include: { file: ${root}/blocklist.conf, control: ${control} }`,
  ),
];

function fail2ban(): Contender[] {
  const version = fail2banVersion();
  if (version === null) return [];
  const contender = {
    what: `fail2ban ${version}`,
    attackers: ATTACKERS,
    async start(apache: Apache, directory: string) {
      const backend = await startFail2ban(apache, directory, FAILREGEX);
      contender.what = `fail2ban ${version}, ${backend}, nftables, one filter`;
      return { [Symbol.asyncDispose]: async () => {} };
    },
  };
  return [contender];
}

/**
 * How soon is an attacker refused, from the write of the offending line to the first request that is not answered, while Apache
 * serves a thousand requests a second to others? Needs root, apache2 and nft.
 */
export async function refusalBench({ rounds, seed, directory }: BenchOptions): Promise<string> {
  const contenders = [...CONTENDERS, ...fail2ban()];
  const runs = contenders.map((): Run[] => []);
  for (let round = 0; round < rounds; round++)
    for (const [index, contender] of contenders.entries())
      runs[index]!.push(await run(contender, seed + round, directory));
  const rows = contenders.map(({ what }, index) => {
    const delays = runs[index]!.flatMap((each) => each.delays);
    const rates = runs[index]!.map(({ visited }) => visited.answered / visited.seconds);
    const milliseconds = (part: number) => `${percentile(delays, part).toFixed(0)} ms`;
    return [
      ...[what, String(delays.length), percentile(rates, 0.5).toFixed(0)],
      ...[milliseconds(0.5), milliseconds(0.99), milliseconds(1)],
    ];
  });
  return markdown(["", "attackers", "others' requests/s", "p50", "p99", "longest"], rows);
}

async function run(contender: Contender, seed: number, directory: string): Promise<Run> {
  await using apache = await startApache({ config: configOf });
  for (const file of ["style.css", "script.js", "picture.png", "favicon.ico"])
    writeFileSync(join(apache.root, "site", file), `${file}\n`);
  await using program = await contender.start(apache, directory);
  const visitors = inside(apache, "visitors-inside.ts", SERVER_IPV4);
  await sleep(WARM_UP_MS);
  const count = WARM_UP + contender.attackers;
  const hosts = { ipv4: SERVER_IPV4, ipv6: SERVER_IPV6 };
  const ask: Attackers = { count, seed, hosts, person: program.person ?? null };
  const attackers = inside(apache, "attackers-inside.ts", JSON.stringify(ask));
  const refusals = linesOf<Refusal>(await outputOf(attackers));
  visitors.stdin!.end();
  const visited = linesOf<Visited>(await outputOf(visitors))[0]!;
  if (visited.failed > 0) throw new Error(`${visited.failed} visits failed: ${visited.failure}`);
  const written = offences(readFileSync(join(apache.root, OFFENCES), "latin1"));
  const delays = refusals.map(({ address, refusedAt }) => refusedAt - written.get(address)!);
  if (delays.length !== count || !delays.every((delay) => delay >= 0))
    throw new Error(`${delays.length} of ${count} attackers were refused: ${delays}`);
  return { delays: delays.slice(WARM_UP), visited };
}

/**
 * The snippet's lines, and a log of its own for what must lead to a ban: Apache takes its time right before it writes the lines of
 * a request, so a delay is never measured too short.
 */
const configOf = (root: string): string =>
  `${apacheSnippet({
    directory: `${root}/banned`,
    includeFile: `${root}/blocklist.conf`,
    logFormat: "%a",
    tlsLogFormat: "%a",
    openingMessage: OPENING_MESSAGE,
  })}
CustomLog ${root}/${OFFENCES} "%{end:usec}t %a" "expr=%{QUERY_STRING} =~ /jndi/"
`;

const offences = (log: string): Map<string, number> =>
  new Map(
    log
      .trimEnd()
      .split("\n")
      .map((line) => line.split(" "))
      .map(([microseconds, address]) => [address!, Number(microseconds) / 1_000]),
  );

const inside = (apache: Apache, program: string, argument: string): ChildProcess =>
  apache.inNamespace(process.execPath, [join(import.meta.dirname, program), argument], {
    stdio: ["pipe", "pipe", "inherit"],
  });

async function outputOf(child: ChildProcess): Promise<string> {
  const ended = once(child, "exit");
  const output = await text(child.stdout!);
  const [status] = await ended;
  if (status !== 0) throw new Error(`${child.spawnargs.join(" ")} ended with ${status}`);
  return output;
}

const linesOf = <Line>(output: string): Line[] =>
  output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
