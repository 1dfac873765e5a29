import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { backUp } from "../src/cli/database-copy.ts";
import { type Daemon, startDaemon } from "../src/daemon.ts";
import { ROOTS_HALF } from "../src/enforce/apache/control.ts";
import { FormerEnforcers } from "../src/former-enforcers.ts";
import type { BanItem, Status } from "../src/model/api.ts";
import type { SekishoError } from "../src/model/errors.ts";
import { parseTarget } from "../src/model/ip.ts";
import type { RuleStatus } from "../src/model/rule-status.ts";
import { type Clock, NEVER, unixMs } from "../src/model/time.ts";
import { DaemonLog } from "../src/observe/log.ts";
import { loadSetup, type Setup } from "../src/setup.ts";
import { StoreWriter } from "../src/store/writer.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const clock: Clock = { now: () => unixMs(Date.now()) };

/** A configuration that blocks by a list of that name. */
function setupWith(folder: string, list: string, more = ""): Setup {
  const file = join(folder, "sekisho.yaml");
  mkdirSync(join(folder, list), { recursive: true });
  writeFileSync(
    file,
    `data: data
mode: enforce
logs: []
enforcers:
  apache-include: { file: ${folder}/${list}/list.conf, control: /bin/true${more} }
dashboard: { listen: "127.0.0.1:0" }
`,
  );
  return loadSetup({ file, cwd: folder });
}
const TOKEN = "a-token-of-this-test-0123456789";
const start = (
  folder: string,
  setup = setupWith(folder, "a"),
  told: string[] = [],
  failed = (error: SekishoError): void => expect.unreachable(error.message),
  demo = false,
) =>
  startDaemon({
    setup,
    version: "test",
    demo,
    log: new DaemonLog((line) => void told.push(line), false),
    clock,
    env: { SEKISHO_TOKEN: TOKEN },
    failed,
  });
/** The JSON of the daemon's answers, which must be good ones. */
const asking =
  ({ url }: Daemon) =>
  async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const answer = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    expect(answer.ok).toBe(true);
    const text = await answer.text();
    return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
  };

test("what another configuration enforced is lifted by the next start; where that fails it is told, and tried again", async () => {
  using folder = temporaryFolder();
  const file = (name: string) => join(folder.path, name, "list.conf");
  const list = (name: string) => readFileSync(file(name), "utf8");
  const [first, second] = [setupWith(folder.path, "a"), setupWith(folder.path, "b")];
  {
    await using daemon = await start(folder.path, first);
    await asking(daemon)("POST", "/api/bans", { target: "203.0.113.9" });
    await asking(daemon)("POST", "/api/enforcers/apache-include/apply");
  }
  const good = list("a");
  expect(good).toContain("203.0.113.9");
  // Somebody else's file is in the way: nothing is lifted there, at the next start neither.
  writeFileSync(file("a"), "of somebody else");
  await (await start(folder.path, second))[Symbol.asyncDispose]();
  await using daemon = await start(folder.path, second);
  expect(list("b")).toContain("203.0.113.9");
  const problems = async () => (await asking(daemon)("GET", "/api/status")).problems;
  const problem = {
    message: expect.stringMatching(/^apache-include is no longer .* may still be blocked: .*a\/list\.conf/),
    hint: expect.stringContaining("move that file away"),
  };
  expect(await problems()).toEqual([problem]);
  writeFileSync(file("a"), good);
  await expect.poll(problems).toEqual([]);
  expect(list("a")).not.toContain("203.0.113.9");
  expect(JSON.parse(readFileSync(join(folder.path, "data", "enforcers.json"), "utf8"))).toHaveLength(1);
});

test("a panic tries again at once what a former configuration left, and says what stays", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "a", "list.conf");
  await using daemon = await start(folder.path, setupWith(folder.path, "a"));
  await asking(daemon)("POST", "/api/bans", { target: "203.0.113.9" });
  await asking(daemon)("POST", "/api/enforcers/apache-include/apply");
  const good = readFileSync(file, "utf8");
  writeFileSync(file, "of somebody else");
  await daemon.reload(setupWith(folder.path, "b"));
  const states = async () =>
    ((await asking(daemon)("POST", "/api/panic")).enforcers as Status["enforcers"]).map(({ state }) => state);
  expect(await states()).toEqual(["off", "failed"]);
  writeFileSync(file, good);
  expect(await states()).toEqual(["off"]);
  expect(readFileSync(file, "utf8")).not.toContain("203.0.113.9");
});

test("the demo lifts nothing that a former configuration left: not by a panic, nor by a reload", async () => {
  using folder = temporaryFolder();
  const list = () => readFileSync(join(folder.path, "a", "list.conf"), "utf8");
  {
    await using daemon = await start(folder.path, setupWith(folder.path, "a"));
    await asking(daemon)("POST", "/api/bans", { target: "203.0.113.9" });
    await asking(daemon)("POST", "/api/enforcers/apache-include/apply");
  }
  const before = list();
  await using demo = await start(folder.path, setupWith(folder.path, "b"), [], undefined, true);
  await asking(demo)("POST", "/api/panic");
  await demo.reload(setupWith(folder.path, "c"));
  expect(list()).toBe(before);
});

test("a list that root copies from now on is taken over, and not emptied", async () => {
  using folder = temporaryFolder();
  const { config } = setupWith(folder.path, "a");
  const include = { ...config.enforcers["apache-include"]!, control: ROOTS_HALF.control };
  const using = (file: string) => ({ ...config, enforcers: { "apache-include": { ...include, file } } });
  mkdirSync(config.data);
  const lifting = async (file: string) => {
    const changes: string[] = [];
    await using former = new FormerEnforcers({
      config: using(file),
      clock,
      onChange: () => changes.push(file),
    });
    await former.start();
    return changes;
  };
  expect(await lifting(ROOTS_HALF.written)).toEqual([]);
  expect(await lifting(ROOTS_HALF.list)).toEqual([]);
});

test("with other settings in the same place nobody is let in meanwhile", async () => {
  using folder = temporaryFolder();
  await using daemon = await start(folder.path, setupWith(folder.path, "a"));
  await asking(daemon)("POST", "/api/bans", { target: "203.0.113.9" });
  await asking(daemon)("POST", "/api/enforcers/apache-include/apply");
  const list = () => readFileSync(join(folder.path, "a", "list.conf"), "utf8");
  const before = list();
  expect(before).toContain("203.0.113.9");
  await daemon.reload(setupWith(folder.path, "a", ", limit: 500"));
  // A list that was emptied and filled again is another generation.
  expect(list()).toBe(before);
});

test("a backup that is put in the place of the database meanwhile ends the daemon, and the next one goes on with it", async () => {
  using folder = temporaryFolder();
  const database = join(folder.path, "data/sekisho.sqlite");
  const backup = join(folder.path, "backup.sqlite");
  const failures: string[] = [];
  {
    await using daemon = await start(folder.path, undefined, [], ({ code }) => failures.push(code));
    await asking(daemon)("POST", "/api/bans", { target: "203.0.113.9" });
    await backUp(database, backup);
    await asking(daemon)("POST", "/api/bans", { target: "203.0.113.10" });
    expect(failures).toEqual([]);
    renameSync(backup, database);
    await expect.poll(() => failures[0]).toBe("DATABASE_REPLACED");
  }
  await using daemon = await start(folder.path);
  const { items } = await asking(daemon)("GET", "/api/bans");
  expect((items as BanItem[]).map(({ target }) => target)).toEqual(["203.0.113.9/32"]);
});

test("of reloads that come at once the last one holds, and what the others enforced is lifted", async () => {
  using folder = temporaryFolder();
  await using daemon = await start(folder.path);
  await asking(daemon)("POST", "/api/bans", { target: "198.51.100.0/24", for: "4h", reason: "a test" });
  await Promise.all(["b", "c", "d"].map((list) => daemon.reload(setupWith(folder.path, list))));
  const blocking = ["a", "b", "c", "d"].filter((list) =>
    readFileSync(join(folder.path, list, "list.conf"), "utf8").includes("198.51.100.0/24"),
  );
  expect(blocking).toEqual(["d"]);
});

test("a reload that is under way when the daemon stops ends before it, and a later one is refused", async () => {
  using folder = temporaryFolder();
  const daemon = await start(folder.path);
  const reloading = daemon.reload(setupWith(folder.path, "b"));
  await daemon[Symbol.asyncDispose]();
  expect(await reloading).toEqual([]);
  await expect(daemon.reload(setupWith(folder.path, "c"))).rejects.toMatchObject({ code: "INTERNAL" });
});

test("the configuration's allowlist, what people added and the rules that run are told", async () => {
  using folder = temporaryFolder();
  const setup = setupWith(folder.path, "a");
  await using daemon = await start(folder.path, {
    ...setup,
    config: { ...setup.config, allowlist: [parseTarget("198.51.100.0/24")!] },
  });
  const ask = asking(daemon);
  await ask("POST", "/api/bans", { target: "203.0.113.9" });
  const allowed = await ask("POST", "/api/allowlist", { target: "203.0.113.0/24", reason: "partner" });
  expect(allowed.lifted).toEqual(["203.0.113.9/32"]);
  await ask("POST", "/api/allowlist", { target: "203.0.113.0/24", reason: "a better reason" });
  expect((await ask("GET", "/api/allowlist")).items).toEqual([
    { target: "198.51.100.0/24", by: "configuration", reason: "allowlist in the configuration", at: null },
    { target: "203.0.113.0/24", by: "person", reason: "a better reason", at: expect.stringContaining("T") },
  ]);
  const unknown = await fetch(`${daemon.url}/api/allowlist/192.0.2.7%2F32`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  expect([unknown.status, await unknown.json()]).toMatchObject([
    404,
    { error: { code: "TARGET_NOT_ALLOWLISTED" } },
  ]);
  const rules = (await ask("GET", "/api/rules")).items as RuleStatus[];
  expect(rules.map(({ id }) => id)).toEqual(setup.rules.map(({ id }) => id));
  expect(rules[0]).toMatchObject({ title: setup.rules[0]!.spec.title, why: setup.rules[0]!.spec.why });
});

test("each rule tells its mode, what it led to within a day and who came near it, also after a reload", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  const rulesD = join(folder.path, "rules.d");
  mkdirSync(rulesD);
  writeFileSync(join(rulesD, "repeated-403.yaml"), "bucket: { count: 10, window: 5m }\nmode: observe\n");
  writeFileSync(join(rulesD, "crawling.yaml"), "mode: off\n");
  const now = new Date();
  const stamp = `${now.toUTCString().slice(5, 16).replaceAll(" ", "/")}:${now.toISOString().slice(11, 19)} +0000`;
  const denied = (client: string, times: number): string =>
    `${client} - - [${stamp}] "GET /x HTTP/1.1" 403 199 "-" "curl/8.5"\n`.repeat(times);
  writeFileSync(log, denied("203.0.113.7", 12) + denied("203.0.113.8", 8) + denied("203.0.113.9", 3));
  const { file } = setupWith(folder.path, "a");
  writeFileSync(file!, readFileSync(file!, "utf8").replace("logs: []", `logs: [{ path: ${log} }]`));
  const setup = () => loadSetup({ file: file!, cwd: folder.path });
  await using daemon = await start(folder.path, setup());
  const ruleOf = async (id: string) => {
    const { items } = await asking(daemon)("GET", "/api/rules");
    return (items as RuleStatus[]).find((rule) => rule.id === id)!;
  };
  await expect.poll(async () => (await ruleOf("repeated-403")).nearMisses).toHaveLength(1);
  const seen = await ruleOf("repeated-403");
  expect(seen).toMatchObject({
    mode: "observe",
    firesAt: "10 with the same userAgent in 5m",
    lastDay: { findings: 1, bans: 0 },
  });
  expect(seen.nearMisses).toEqual([
    { subject: "203.0.113.8", count: 8, of: 10, at: `${now.toISOString().slice(0, 19)}.000Z` },
  ]);
  expect(seen.change).toEqual({
    file: expect.stringMatching(/\/rules\/repeated-403\.yaml$/),
    changes: expect.arrayContaining(["mode observe"]),
    changedBy: join(rulesD, "repeated-403.yaml"),
    example: expect.arrayContaining([expect.stringMatching(/^bucket: \{ count: 20 \} +# 10 now$/)]),
  });
  expect(await ruleOf("crawling")).toMatchObject({ mode: "off", nearMisses: [] });
  await daemon.reload(setup());
  expect((await ruleOf("repeated-403")).nearMisses).toEqual(seen.nearMisses);
  writeFileSync(join(rulesD, "repeated-403.yaml"), "bucket: { count: 30 }\n");
  await daemon.reload(setup());
  expect(await ruleOf("repeated-403")).toMatchObject({
    ...{ mode: "enforce", nearMisses: [], needed: 30 },
    change: { changes: ["bucket.count 30, was 10"] },
  });
});

test("what a person decides and what a reload puts in force is in the log", async () => {
  using folder = temporaryFolder();
  const setup = setupWith(folder.path, "a");
  const lines: string[] = [];
  await using daemon = await start(folder.path, { ...setup, mode: "observe" }, lines);
  const ask = asking(daemon);
  for (const last of [1, 2, 3])
    await ask("POST", "/api/bans", { target: `198.51.100.${last}`, reason: "a test" });
  await ask("DELETE", "/api/bans/198.51.100.1");
  await ask("POST", "/api/allowlist", { target: "198.51.100.2" });
  await daemon.reload(setup);
  const told = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(told.map(({ signal, target, by, msg }) => [signal, target ?? msg, by])).toEqual([
    ["ban.decided", "198.51.100.1/32", "person"],
    ["ban.decided", "198.51.100.2/32", "person"],
    ["ban.decided", "198.51.100.3/32", "person"],
    ["ban.lifted", "198.51.100.1/32", "person"],
    ["ban.lifted", "198.51.100.2/32", "person"],
    ["enforcement.changed", "mode observe → enforce: 1 ban takes effect", undefined],
  ]);
});

test("a ban by hand is answered with the reload that it waits for, and with the ban that it replaced", async () => {
  using folder = temporaryFolder();
  await using daemon = await start(folder.path);
  const ask = asking(daemon);
  const first = await ask("POST", "/api/bans", { target: "198.51.100.0/24", for: "permanent" });
  expect(first).toMatchObject({
    enforcedBy: [],
    waiting: [{ enforcer: "apache-include", at: expect.stringMatching(/:17:00\.000Z$/) }],
    replaced: null,
  });
  const second = await ask("POST", "/api/bans", { target: "198.51.100.0/24", for: "1m" });
  expect(second).toMatchObject({ waiting: [], replaced: { until: null } });
});

test("what a person wants in force now includes a ban that is stored and of which nobody has told yet", async () => {
  using folder = temporaryFolder();
  await using daemon = await start(folder.path);
  {
    // As the ingestion thread stores it before it tells.
    using store = new StoreWriter(join(folder.path, "data/sekisho.sqlite"), 0, clock);
    const ban = { kind: "ban", target: parseTarget("203.0.113.9")!, rule: null, by: "person" } as const;
    store.decide({ ...ban, reason: "a test", at: clock.now(), until: NEVER, reportedBy: null });
  }
  await asking(daemon)("POST", "/api/enforcers/apache-include/apply");
  expect(readFileSync(join(folder.path, "a/list.conf"), "utf8")).toContain("203.0.113.9");
});

test("where somebody is signed in from is not banned, and a ban that is there does not block them", async () => {
  using folder = temporaryFolder();
  await using daemon = await start(folder.path);
  const list = () => readFileSync(join(folder.path, "a", "list.conf"), "utf8");
  const ask = asking(daemon);
  await ask("POST", "/api/bans", { target: "203.0.113.0/24" });
  await ask("POST", "/api/enforcers/apache-include/apply");
  expect(list()).toContain("203.0.113.0/24");
  const headers = { authorization: `Bearer ${TOKEN}`, "x-forwarded-for": "203.0.113.7" };
  const ban = { method: "POST", body: JSON.stringify({ target: "203.0.113.7" }) };
  const answer = await fetch(`${daemon.url}/api/bans`, {
    ...ban,
    headers: { ...headers, "content-type": "application/json" },
  });
  expect(await answer.json()).toMatchObject({
    error: {
      code: "TARGET_PROTECTED",
      message: "203.0.113.7/32 is not banned: it is where somebody is signed in from",
    },
  });
  await ask("POST", "/api/enforcers/apache-include/apply");
  expect(list()).not.toContain("203.0.113.0/24");
});

const PATIENCE = { timeout: 60_000 };
/** A daemon that bans for one 404, blocks by a ban directory, and stops rules at more than two bans a minute. */
function setupWithLog(folder: string): Setup {
  const file = join(folder, "sekisho.yaml");
  mkdirSync(join(folder, "rules"), { recursive: true });
  writeFileSync(
    join(folder, "rules", "missing.yaml"),
    `{ title: { en: A, ja: B }, severity: low, events: access, match: { status: 404 }, bucket: { kind: trigger },
       detects: A 404., why: A test., falsePositives: [All.], references: [], tags: [] }`,
  );
  writeFileSync(
    file,
    `{ data: data, mode: enforce, logs: [{ path: access.log }], rules: rules, policy: { breaker: { bans: 2 } },
       enforcers: { apache-directory: { directory: ${folder}/banned, user: root } }, probe: { enabled: false },
       dashboard: { listen: "127.0.0.1:0" } }`,
  );
  return loadSetup({ file, cwd: folder });
}
const requested = (folder: string, ...clients: string[]): void => {
  const [, day, month, year, clock] = new Date().toUTCString().split(" ");
  const line = (client: string) =>
    `${client} - - [${day}/${month}/${year}:${clock} +0000] "GET /x HTTP/1.1" 404 1 "-" "-"\n`;
  appendFileSync(join(folder, "access.log"), clients.map(line).join(""));
};
const blocked = (folder: string): string[] => readdirSync(join(folder, "banned")).sort();
interface Told {
  readonly mode: string;
  readonly halts: readonly { readonly name: string }[];
  readonly problems: readonly { readonly message: string }[];
}

test("the circuit breaker opens at the bans of a log, holds over a restart, and a reset lifts what led to it", async () => {
  using folder = temporaryFolder();
  const setup = setupWithLog(folder.path);
  requested(folder.path, "198.18.77.1", "198.18.77.2", "198.18.77.3", "198.18.77.4");
  const told: string[] = [];
  {
    await using daemon = await start(folder.path, setup, told);
    const ask = asking(daemon);
    const status = async () => (await ask("GET", "/api/status")) as unknown as Told;
    await expect.poll(status, PATIENCE).toMatchObject({ halts: [{ name: "breaker" }] });
    await expect.poll(() => blocked(folder.path), PATIENCE).toEqual(["198.18.77.1", "198.18.77.2"]);
    await expect
      .poll(async () => (await status()).problems, PATIENCE)
      .toMatchObject([
        { message: expect.stringContaining("rules ban nobody: rules made more than 2 bans in a minute") },
      ]);
    await expect.poll(() => told.join(), PATIENCE).toContain("BREAKER_OPEN");
  }
  await using daemon = await start(folder.path, setup);
  const ask = asking(daemon);
  expect(await ask("GET", "/api/status")).toMatchObject({ halts: [{ name: "breaker" }] });
  requested(folder.path, "198.18.77.5");
  const found = async () => ((await ask("GET", "/api/incidents")).items as unknown[]).length;
  await expect.poll(found, PATIENCE).toBe(5);
  expect(blocked(folder.path)).toEqual(["198.18.77.1", "198.18.77.2"]);
  expect(await ask("POST", "/api/breaker/reset", { lift: true })).toEqual({ lifted: 2 });
  expect(blocked(folder.path)).toEqual([]);
  expect(await ask("GET", "/api/status")).toMatchObject({ halts: [] });
  requested(folder.path, "198.18.77.6");
  await expect.poll(() => blocked(folder.path), PATIENCE).toEqual(["198.18.77.6"]);
});

test("panic lifts everything, over a reload and a restart, until it is ended, and then only new bans block", async () => {
  using folder = temporaryFolder();
  const setup = setupWithLog(folder.path);
  {
    await using daemon = await start(folder.path, setup);
    const ask = asking(daemon);
    await ask("POST", "/api/bans", { target: "198.18.78.0/24" });
    requested(folder.path, "198.18.77.1");
    await expect.poll(() => blocked(folder.path), PATIENCE).toEqual(["198.18.77.1", "198.18.78.0_24"]);
    expect(await ask("POST", "/api/panic")).toMatchObject({ lifted: 2, enforcers: [{ state: "off" }] });
    expect(blocked(folder.path)).toEqual([]);
    await daemon.reload(setup);
    await ask("POST", "/api/bans", { target: "198.18.78.9" });
    requested(folder.path, "198.18.77.2");
    const found = async () => ((await ask("GET", "/api/incidents")).items as unknown[]).length;
    await expect.poll(found, PATIENCE).toBe(2);
    expect(await ask("GET", "/api/status")).toMatchObject({ mode: "observe", halts: [{ name: "panic" }] });
    expect(blocked(folder.path)).toEqual([]);
  }
  await using daemon = await start(folder.path, setup);
  const ask = asking(daemon);
  expect(blocked(folder.path)).toEqual([]);
  expect(await ask("GET", "/api/status")).toMatchObject({ mode: "observe", halts: [{ name: "panic" }] });
  await ask("DELETE", "/api/panic");
  expect(await ask("GET", "/api/status")).toMatchObject({ mode: "enforce", halts: [] });
  expect(blocked(folder.path), "what a person banned meanwhile").toEqual(["198.18.78.9"]);
});

test("enforcers are given a range in the place of many bans, but not while somebody in it was let in or is allowed", async () => {
  using folder = temporaryFolder();
  const setup = setupWithLog(folder.path);
  const { policy } = setup.config;
  const aggregate = { ...policy.aggregate, ipv4: { prefix: 24, atLeast: 3 } };
  const config = { ...setup.config, policy: { ...policy, aggregate } };
  await using daemon = await start(folder.path, { ...setup, config });
  const ask = asking(daemon);
  const singles = ["198.18.79.1", "198.18.79.2", "198.18.79.3"];
  for (const target of [...singles, "198.18.79.4"]) await ask("POST", "/api/bans", { target });
  expect(blocked(folder.path)).toEqual(["198.18.79.0_24"]);
  const { items } = await ask("GET", "/api/bans");
  expect(items).toMatchObject(
    [4, 3, 2, 1].map((last) => ({ target: `198.18.79.${last}/32`, enforcedBy: ["apache-directory"] })),
  );
  await ask("DELETE", "/api/bans/198.18.79.4%2F32");
  expect(blocked(folder.path)).toEqual(singles);
  await ask("POST", "/api/bans", { target: "198.18.79.4" });
  expect(blocked(folder.path)).toEqual(["198.18.79.0_24"]);
  await ask("POST", "/api/allowlist", { target: "198.18.79.200" });
  expect(blocked(folder.path)).toEqual([...singles, "198.18.79.4"]);
});

test("what the HTTP server logs has the shape of the daemon's own lines", async () => {
  using folder = temporaryFolder();
  const lines: string[] = [];
  await using daemon = await start(folder.path, undefined, lines);
  const denied = await fetch(`${daemon.url}/api/status`, { headers: { authorization: "Bearer wrong" } });
  expect(denied.status).toBe(401);
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({
      level: "warn",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      remote: "127.0.0.1",
    }),
  ]);
});

test("a log that is not there, and then is, is told in the daemon's log", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  const file = join(folder.path, "sekisho.yaml");
  writeFileSync(
    file,
    `{ data: data, logs: [{ path: ${log} }], enforcers: {}, dashboard: { listen: "127.0.0.1:0" } }`,
  );
  const told: string[] = [];
  await using _daemon = await start(folder.path, loadSetup({ file, cwd: folder.path }), told);
  const signals = () =>
    told.map((line) => JSON.parse(line) as { signal: string; code?: string }).filter(({ code }) => code);
  await expect.poll(signals).toMatchObject([{ signal: "problem.appeared", code: "LOG_MISSING" }]);
  writeFileSync(log, "");
  const passed = { signal: "problem.passed", code: "LOG_MISSING" };
  await expect.poll(() => signals().at(-1)).toMatchObject(passed);
});
