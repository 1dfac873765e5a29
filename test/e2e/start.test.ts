import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { missing } from "../requirements.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { type Ended, RunningProgram, SEKISHO, sekisho } from "./command-line.ts";

const GREETED = /Stop with Ctrl-C\./;

/** The machine as it is, without Apache's logs, a configuration, or anybody on the network. */
const FRESH_MACHINE = [
  ...["unshare", "--mount", "--net", "sh", "-c"],
  'mount -t tmpfs none /var/log; [ ! -d /etc/sekisho ] || mount -t tmpfs none /etc/sekisho; ip link set lo up; exec "$@"',
  "sh",
];
/** As somebody for whom file permissions hold, which they do not for root. */
const ORDINARY = process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] : [];

/** A folder with a configuration that enforces, and an empty log. */
function site(more = 'dashboard: { listen: "127.0.0.1:0" }') {
  const folder = temporaryFolder();
  const path = (name: string) => join(folder.path, name);
  writeFileSync(path("access.log"), "");
  writeFileSync(
    path("sekisho.yaml"),
    `mode: enforce
data: data
logs: [{ path: access.log, format: combined }]
enforcers: { apache-directory: { directory: ${path("banned")} } }
probe: { enabled: false }
${more}
`,
  );
  const data = path("data");
  return { folder: folder.path, path, data, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}
type Site = ReturnType<typeof site>;

const start = (cwd: string, ...args: string[]) => new RunningProgram([SEKISHO, "run", ...args], cwd);
const modeOf = (path: string): number => statSync(path).mode & 0o777;

/** A line of a client that is refused, now. */
const refusal = (client: string): string => {
  const [, month, day, year, time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date().toUTCString()) ?? [];
  return `${client} - - [${month}/${day}/${year}:${time} +0000] "GET /private/ HTTP/1.1" 403 199 "-" "curl"\n`;
};

/** One message, one hint, nothing on standard output, and nothing half-started. */
function expectRefused(
  { exitStatus, stdout, stderr }: Ended,
  at: Site,
  status: number,
  message: string | RegExp,
) {
  expect(stderr).toMatch(/^sekisho: [^\n]+\nhint: [^\n]+\n$/);
  expect(stderr.split("\n")[0]).toMatch(message);
  expect([exitStatus, stdout]).toEqual([status, ""]);
  expect(existsSync(join(at.data, "daemon.json"))).toBe(false);
  expect(existsSync(at.path("banned"))).toBe(false);
}

test("a daemon goes on though nobody can take what it says", async () => {
  using at = site();
  await using program = new RunningProgram(
    ["sh", "-c", 'exec "$0" run > /dev/full 2> /dev/full', SEKISHO],
    at.folder,
  );
  const file = join(at.data, "daemon.json");
  await vi.waitFor(() => expect(existsSync(file)).toBe(true), { timeout: 60_000, interval: 100 });
  const { url } = JSON.parse(readFileSync(file, "utf8")) as { readonly url: string };
  const headers = { authorization: `Bearer ${readFileSync(join(at.data, "token"), "utf8").trim()}` };
  const mode = async (): Promise<unknown> =>
    ((await (await fetch(`${url}/api/status`, { headers })).json()) as { readonly mode: unknown }).mode;
  expect(await mode()).toBe("enforce");
  // A reload is told in the log.
  writeFileSync(
    at.path("sekisho.yaml"),
    readFileSync(at.path("sekisho.yaml"), "utf8").replace("enforce", "observe"),
  );
  program.signal("SIGHUP");
  await vi.waitFor(async () => expect(await mode()).toBe("observe"), { timeout: 60_000, interval: 100 });
  program.signal("SIGTERM");
  expect((await program.ended()).exitStatus).toBe(0);
});

describe.skipIf(missing("root", "netns"))("on a machine without Apache", () => {
  test("`run` in an empty folder says that there are no logs and plays the demo, until Ctrl-C", async () => {
    using folder = temporaryFolder();
    const overSsh = ["env", "SSH_CONNECTION=203.0.113.7 50022 192.0.2.1 22"];
    await using program = new RunningProgram([...FRESH_MACHINE, ...overSsh, SEKISHO, "run"], folder.path);
    await program.says(GREETED);
    expect(program.stdout).toContain("first: ssh -L 7080:127.0.0.1:7080 192.0.2.1\n");
    expect(program.stdout).toContain("no Apache logs in /var/log/apache2 or /var/log/httpd");
    expect(program.stdout).toContain("Playing a bundled sample attack");
    expect(program.stdout).toMatch(/Dashboard: http:\/\/127\.0\.0\.1:7080\/#code=\S{20,}\n/);
    const data = join(folder.path, "data");
    expect(modeOf(data)).toBe(0o700);
    expect(modeOf(join(data, "token"))).toBe(0o600);
    expect(modeOf(join(data, "demo.sqlite"))).toBe(0o600);
    await expect.poll(() => program.stderr).toContain("ban 198.51.100.1/32: ");

    program.signal("SIGINT");
    const { exitStatus, stdout } = await program.ended();
    expect(exitStatus).toBe(0);
    expect(stdout).toMatch(/Stopped\. [^\n]+\n$/);
    expect(existsSync(join(data, "daemon.json"))).toBe(false);
  });
});

describe("stopping", () => {
  test("Ctrl-C under npm, which passes the signal on once more, ends with 0", async () => {
    using at = site();
    const npm = ["npm", "start", "--silent", "--prefix", join(import.meta.dirname, "../.."), "--"];
    await using program = new RunningProgram([...npm, "--config", at.path("sekisho.yaml")], at.folder);
    await program.says(GREETED);
    program.signalGroup("SIGINT");
    const { exitStatus, stdout } = await program.ended();
    expect(exitStatus).toBe(0);
    expect(stdout).toContain("Stopped.");
    expect(existsSync(join(at.data, "daemon.json"))).toBe(false);
  });

  test.each(["SIGINT", "SIGTERM"] as const)("%s, and again a moment later, ends with 0", async (signal) => {
    using at = site();
    await using program = start(at.folder);
    await program.says(GREETED);
    program.signal(signal);
    await new Promise((resolve) => setTimeout(resolve, 30));
    program.signal(signal);
    expect((await program.ended()).exitStatus).toBe(0);
    expect(existsSync(join(at.data, "daemon.json"))).toBe(false);
  });

  test("after kill -9 the next start goes on: same token, same bans, its own address", async () => {
    using at = site();
    {
      await using killed = start(at.folder);
      await killed.says(GREETED);
      for (let n = 0; n < 10; n++) appendFileSync(at.path("access.log"), refusal("203.0.113.7"));
      await expect.poll(() => killed.stderr).toContain("ban 203.0.113.7/32");
      killed.signalGroup("SIGKILL");
      await killed.ended();
    }
    const token = readFileSync(join(at.data, "token"), "utf8");
    expect(existsSync(join(at.data, "daemon.json"))).toBe(true);
    const between = await sekisho(at.folder, ["status"]);
    expect(between.exitStatus).toBe(3);
    expect(between.stderr).toContain("the daemon is not running: its process");

    await using next = start(at.folder);
    await next.says(GREETED);
    expect(readFileSync(join(at.data, "token"), "utf8")).toBe(token);
    const status = await sekisho(at.folder, ["status", "--json"]);
    expect(JSON.parse(status.stdout)).toMatchObject({ bans: { active: 1 }, events: { access: 10 } });
    expect((await sekisho(at.folder, ["unban", "203.0.113.7"])).exitStatus).toBe(0);
  });
});

describe("what is in the way of a start is told in one message with a hint", () => {
  test("a port that another program has", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    using at = site(`dashboard: { listen: "127.0.0.1:${port}" }`);
    const ended = await sekisho(at.folder, ["run"]);
    other.close();
    expectRefused(ended, at, 3, `127.0.0.1:${port} is in use`);
    expect(ended.stderr).toContain("another program listens there");
  });

  test("a port that another Sekisho has", async () => {
    using first = site();
    await using running = start(first.folder);
    await running.says(GREETED);
    const port = new URL(/http:\S+/.exec(running.stdout)![0]).port;
    using at = site(`dashboard: { listen: "127.0.0.1:${port}" }`);
    const ended = await sekisho(at.folder, ["run"]);
    expectRefused(ended, at, 3, `127.0.0.1:${port} is in use`);
    expect(ended.stderr).toContain("Sekisho seems to run there already");
  });

  test("a wrong key in the configuration", async () => {
    using at = site("dashbord: {}");
    expectRefused(await sekisho(at.folder, ["run"]), at, 2, /sekisho\.yaml:6:1: dashbord: .*dashboard/);
    expect(existsSync(at.data)).toBe(false);
  });

  test("a wrong rule", async () => {
    using at = site("rules: rules");
    mkdirSync(at.path("rules"));
    const rule = readFileSync(join(import.meta.dirname, "../../rules/repeated-405.yaml"), "utf8");
    writeFileSync(at.path("rules/repeated-405.yaml"), rule.replace("severity: medium", "severity: mediun"));
    const ended = await sekisho(at.folder, ["run"]);
    expectRefused(ended, at, 2, /rules\/repeated-405\.yaml:\d+:\d+: severity: .*medium/);
    expect(existsSync(at.data)).toBe(false);
  });

  test.each(["run", "run --demo"])(
    "a second daemon on the same data (%s), and the first goes on",
    async (command) => {
      using at = site();
      await using first = start(at.folder, "--demo");
      await first.says(GREETED);
      const daemon = readFileSync(join(at.data, "daemon.json"), "utf8");
      const log = join(at.data, "demo/access.log");
      await expect.poll(() => statSync(log).size).toBeGreaterThan(1_000);
      const size = statSync(log).size;
      const { exitStatus, stdout, stderr } = await sekisho(at.folder, command.split(" "));
      expect([exitStatus, stdout]).toEqual([3, ""]);
      expect(stderr).toMatch(/^sekisho: another Sekisho uses \S+\nhint: stop it first[^\n]*\n$/);
      expect(readFileSync(join(at.data, "daemon.json"), "utf8")).toBe(daemon);
      expect(statSync(log).size).toBeGreaterThanOrEqual(size);
      expect((await sekisho(at.folder, ["status"])).exitStatus).toBe(0);
    },
  );

  test("a data folder that cannot be written, with the demo too", async () => {
    using at = site();
    mkdirSync(at.data);
    chmodSync(at.data, 0o500);
    for (const command of [["run"], ["run", "--demo"]]) {
      expectRefused(await sekisho(at.folder, command, ORDINARY), at, 3, at.data);
    }
  });

  test("a data folder that cannot be made, with the demo too", async () => {
    using at = site();
    chmodSync(at.folder, 0o500);
    for (const command of [["run"], ["run", "--demo"]]) {
      expectRefused(await sekisho(at.folder, command, ORDINARY), at, 3, `cannot make ${at.data}`);
    }
    chmodSync(at.folder, 0o700);
  });
});

describe("a database that cannot be used is told, and left as it is", () => {
  /** The database of a daemon that has run and ended. */
  async function stored(at: Site): Promise<string> {
    await using program = start(at.folder);
    await program.says(GREETED);
    program.signal("SIGTERM");
    await program.ended();
    rmSync(at.path("banned"), { recursive: true, force: true });
    return join(at.data, "sekisho.sqlite");
  }
  const PAGE = 4_096;
  /** In the first page: the format's name, and the number that counts our migrations. */
  const USER_VERSION = 60;

  test("something else than a database", async () => {
    using at = site();
    mkdirSync(at.data);
    const file = join(at.data, "sekisho.sqlite");
    const bytes = randomBytes(2 * PAGE);
    writeFileSync(file, bytes);
    expectRefused(await sekisho(at.folder, ["run"]), at, 3, "this is not an SQLite database");
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });

  test("a database that is damaged behind its first page", async () => {
    using at = site();
    const file = await stored(at);
    const bytes = readFileSync(file).fill(0xff, PAGE);
    writeFileSync(file, bytes);
    expectRefused(await sekisho(at.folder, ["run"]), at, 3, "the database is damaged");
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });

  test("a database with one damaged table, which is met only once reading has begun", async () => {
    using at = site();
    const file = await stored(at);
    const good = readFileSync(file);
    const met: number[] = [];
    for (let page = 1; page * PAGE < good.length && met.length < 4; page++) {
      writeFileSync(file, Buffer.from(good).fill(0xff, page * PAGE, (page + 1) * PAGE));
      await using program = start(at.folder);
      const ended = await Promise.race([program.ended(), program.says(GREETED).then(() => null)]);
      // Some pages belong to indices that nothing has asked for yet.
      if (ended === null) {
        program.signal("SIGTERM");
        await program.ended();
        continue;
      }
      met.push(page);
      expect([page, ended.exitStatus]).toEqual([page, 3]);
      expect(ended.stderr).toMatch(/^sekisho: [^\n]+ the database is damaged [^\n]+\nhint: [^\n]+\n$/);
      expect(existsSync(join(at.data, "daemon.json"))).toBe(false);
    }
    expect(met).toHaveLength(4);
  });

  test("a database of a newer Sekisho", async () => {
    using at = site();
    const file = await stored(at);
    const bytes = readFileSync(file);
    bytes.writeUInt32BE(99, USER_VERSION);
    writeFileSync(file, bytes);
    expectRefused(await sekisho(at.folder, ["run"]), at, 3, "was written by a newer Sekisho (schema 99");
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });
});

test("an unreadable log is told at the start, by `check` and by `status`, and keeps nothing else from running", async () => {
  using at = site();
  writeFileSync(at.path("access.log"), refusal("203.0.113.7"));
  chmodSync(at.path("access.log"), 0);
  const said = `no permission to read ${at.path("access.log")}`;
  const check = await sekisho(at.folder, ["check"], ORDINARY);
  expect(check.exitStatus).toBe(3);
  expect(check.stderr).toContain(`sekisho: ${said}\nhint: `);

  await using program = new RunningProgram([...ORDINARY, SEKISHO, "run", "--mode", "observe"], at.folder);
  await program.says(GREETED);
  expect(program.stdout).toContain(`Warning: ${said}\n  hint: give the user that runs Sekisho read access`);
  const status = await sekisho(at.folder, ["status"]);
  expect(status.exitStatus).toBe(1);
  expect(status.stdout).toMatch(/problem: \S+access\.log: .+\n {3}hint: /);

  chmodSync(at.path("access.log"), 0o600);
  const lines = async () => JSON.parse((await sekisho(at.folder, ["status", "--json"])).stdout).events.access;
  await expect.poll(lines).toBe(1);
});

test("a log in a folder that may not be entered, as a home, is told and keeps nothing else from running", async () => {
  using at = site();
  const config = readFileSync(at.path("sekisho.yaml"), "utf8");
  writeFileSync(at.path("sekisho.yaml"), config.replace("logs: [", "logs: [{ path: home/access.log }, "));
  mkdirSync(at.path("home"));
  writeFileSync(at.path("home/access.log"), "");
  chmodSync(at.path("home"), 0);
  await using program = new RunningProgram([...ORDINARY, SEKISHO, "run", "--mode", "observe"], at.folder);
  await program.says(GREETED);
  const said = `no permission to read ${at.path("home")}`;
  expect(program.stdout).toContain(`Warning: ${said}\n  hint: give the user that runs Sekisho read access`);
  const status = await sekisho(at.folder, ["status"]);
  expect(status.exitStatus).toBe(1);
  expect(status.stdout).toMatch(/problem: \S+home\/access\.log: .+\n {3}hint: /);
});

test.each([["status"], ["ban", "192.0.2.7"], ["unban", "192.0.2.7"], ["allow", "192.0.2.7"]])(
  "`%s` without a daemon says so and exits 3",
  async (...command) => {
    using at = site();
    const ended = await sekisho(at.folder, command);
    expectRefused(ended, at, 3, "the daemon is not running");
    expect(ended.stderr).toContain("start it with: sekisho run");
    expect(existsSync(at.data)).toBe(false);
  },
);
