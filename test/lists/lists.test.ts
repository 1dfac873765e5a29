import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { Protected } from "../../src/decide/protected.ts";
import type { ListSettings } from "../../src/lists/imported-list.ts";
import { Lists } from "../../src/lists/lists.ts";
import type { Target } from "../../src/model/ip.ts";
import { type DurationMs, NEVER, PERMANENT, unixMs } from "../../src/model/time.ts";
import { webServer } from "../download/web-server.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const START = Date.parse("2026-11-20T12:00:00Z");
const HOUR = 3_600_000 as DurationMs;

class TestClock {
  #now = START;
  now() {
    return unixMs(this.#now);
  }
  advance(ms: number): void {
    this.#now += ms;
  }
}

const settings = (from: string, more: Partial<ListSettings> = {}): ListSettings => ({
  ...{ name: "bad", kind: "block", from, format: "plain", column: 1, separator: "," },
  ...{ schedule: "* * * * *", keep: PERMANENT, max: 5_000, growth: 10 },
  ownAndPrivate: "refuse",
  ...more,
});
/** What is this host's own; tests put something in. */
let own: Target[] = [];
const load = (folder: string, clock: TestClock, ...lists: ListSettings[]) =>
  Lists.load({
    settings: lists,
    folder: join(folder, "lists"),
    clock,
    own: () => new Protected({ "the gateway": own }),
  });
afterEach(() => {
  own = [];
});
const targets = (lists: Lists): string[] => lists.blocks.map(({ target }) => target);
const status = (lists: Lists) => lists.statuses(new Map(), () => undefined)[0]!;
const many = (count: number): string =>
  Array.from({ length: count }, (_, n) => `203.${n >> 8}.${n & 255}.1`).join("\n");

describe("a list from a web address", () => {
  test("is fetched anew where the clock that said when it was fetched has been set back", async () => {
    using folder = temporaryFolder();
    const clock = new TestClock();
    using web = await webServer({ "/l": "192.0.2.7" });
    using lists = await load(folder.path, clock, settings(`${web.url}/l`));
    await lists.refreshOlderThan(HOUR);
    await lists.refreshOlderThan(HOUR);
    expect(web.asked).toHaveLength(1);
    clock.advance(-24 * HOUR);
    await lists.refreshOlderThan(HOUR);
    expect(web.asked).toHaveLength(2);
  });

  test("is fetched, kept, asked for only where it changed, and there after a restart", async () => {
    using folder = temporaryFolder();
    const clock = new TestClock();
    using web = await webServer({ "/l": { body: "192.0.2.7\n198.51.100.0/24", headers: { etag: '"1"' } } });
    const list = settings(`${web.url}/l?key=secret`.replace("?key=secret", ""));
    using lists = await load(folder.path, clock, list);
    expect(targets(lists)).toEqual([]);
    await lists.refresh("bad");
    expect(lists.blocks).toEqual([
      { target: "198.51.100.0/24", until: NEVER, list: "bad" },
      { target: "192.0.2.7/32", until: NEVER, list: "bad" },
    ]);
    const version = lists.version;
    clock.advance(HOUR);
    await lists.refresh("bad");
    expect(web.asked.map(({ headers }) => headers["if-none-match"])).toEqual([undefined, '"1"']);
    expect(lists.version).toBe(version);
    expect(status(lists)).toMatchObject({ entries: 2, fetchedAt: "2026-11-20T13:00:00.000Z", error: null });

    using again = await load(folder.path, clock, list);
    expect(targets(again)).toEqual(targets(lists));
    expect(status(again).fetchedAt).toBe("2026-11-20T13:00:00.000Z");
    await again.refresh("bad");
    expect(web.asked.at(-1)!.headers["if-none-match"]).toBe('"1"');
    expect(statSync(join(folder.path, "lists")).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder.path, "lists/bad.txt")).mode & 0o777).toBe(0o600);
  });

  test("whose source is away keeps its entries, says so, and recovers", async () => {
    using folder = temporaryFolder();
    using web = await webServer({ "/l": "192.0.2.7" });
    using lists = await load(folder.path, new TestClock(), settings(`${web.url}/l`));
    await lists.refresh("bad");
    for (const answer of [500, 404, 302]) {
      web.pages["/l"] = answer;
      await lists.refresh("bad");
      expect(targets(lists)).toEqual(["192.0.2.7/32"]);
      const [problem, ...others] = lists.problems();
      // As they are told: an error itself loses its message where it is copied.
      expect([{ ...problem }, ...others]).toEqual([
        {
          code: "LIST_UNAVAILABLE",
          message: expect.stringContaining(`answered ${answer}`),
          hint: expect.stringContaining("tried again"),
          path: "bad",
        },
      ]);
      expect(status(lists).error).toContain(`answered ${answer}`);
    }
    web.pages["/l"] = "192.0.2.8";
    await lists.refresh("bad");
    expect(targets(lists)).toEqual(["192.0.2.8/32"]);
    expect(lists.problems()).toEqual([]);
  });

  test("a key in the address is told to nobody", async () => {
    using folder = temporaryFolder();
    using web = await webServer({});
    using lists = await load(folder.path, new TestClock(), settings(`${web.url}/l?key=secret`));
    await lists.refresh("bad");
    expect(JSON.stringify(status(lists))).not.toContain("secret");
  });

  test.each([
    ["empty", " \n", "it is empty"],
    ["a page", `<html>\n<body>\n<p>\n192.0.2.7\n</html>`, "4 of its lines are no addresses, and only 1 are"],
    ["too long", many(5_001), "it has more than 5000 entries"],
    ["too long with what repeats", `${many(2_000)}\n`.repeat(6), "it has more than 5000 entries"],
    ["suddenly grown", many(1_500), "it has 1500 entries, and had 2: more than 10 times as many"],
    [
      "half of the Internet",
      Array.from({ length: 200 }, (_, n) => `${n + 11}.0.0.0/8`).join("\n"),
      "its ranges cover more than half of the Internet",
    ],
    [
      "covering private ranges",
      "198.51.100.1\n# ours\n10.0.0.0/8\n192.168.1.1\n",
      "2 of its entries cover own or private ranges: line 3: '10.0.0.0/8' is not of the public Internet; line 4: ",
    ],
    [
      "covering everything",
      "198.51.100.1\n0.0.0.0/0",
      "one of its entries covers own or private ranges: line 2: '0.0.0.0/0' is not of the public Internet",
    ],
  ])("that is %s is refused as a whole, and the last good copy stays", async (_what, text, why) => {
    using folder = temporaryFolder();
    using web = await webServer({ "/l": "192.0.2.7\n192.0.2.8" });
    const list = settings(`${web.url}/l`);
    using lists = await load(folder.path, new TestClock(), list);
    await lists.refresh("bad");
    web.pages["/l"] = text;
    await lists.refresh("bad");
    expect(targets(lists)).toEqual(["192.0.2.7/32", "192.0.2.8/32"]);
    expect(lists.problems()).toMatchObject([{ code: "LIST_REFUSED" }]);
    expect(status(lists).error).toContain(why);
    using again = await load(folder.path, new TestClock(), list);
    expect(targets(again)).toEqual(["192.0.2.7/32", "192.0.2.8/32"]);
  });

  test("that covers what this host needs is refused from then on, told by its lines, and its copy holds", async () => {
    using folder = temporaryFolder();
    const page = { body: "192.0.2.7\n203.0.113.0/24", headers: { etag: '"1"' } };
    using web = await webServer({ "/l": page });
    using lists = await load(folder.path, new TestClock(), settings(`${web.url}/l`));
    await lists.refresh("bad");
    expect(status(lists)).toMatchObject({ entries: 2, error: null });
    own = ["203.0.113.1/32" as Target];
    await lists.refresh("bad");
    expect(web.asked.at(-1)!.headers["if-none-match"]).toBe(undefined);
    expect(status(lists).error).toContain("line 2: '203.0.113.0/24' covers the gateway");
    expect(status(lists).hint).toMatch(/stay; .*lists\[\]\.ownAndPrivate: leave-out/);
    expect(targets(lists)).toEqual(["203.0.113.0/24", "192.0.2.7/32"]);
    own = [];
    await lists.refresh("bad");
    expect(status(lists).error).toBe(null);
  });

  test("that may cover own and private ranges is taken without those entries, which are told", async () => {
    using folder = temporaryFolder();
    own = ["203.0.113.1/32" as Target];
    const page = { body: "192.0.2.7\n203.0.113.0/24\n10.0.0.0/8", headers: { etag: '"1"' } };
    using web = await webServer({ "/l": page });
    const list = settings(`${web.url}/l`, { ownAndPrivate: "leave-out" });
    using lists = await load(folder.path, new TestClock(), list);
    await lists.refresh("bad");
    expect(targets(lists)).toEqual(["192.0.2.7/32"]);
    expect(status(lists)).toMatchObject({
      ...{ ownAndPrivate: "leave-out", entries: 1, refused: 2, error: null },
      examples: [
        "line 2: '203.0.113.0/24' covers the gateway",
        "line 3: '10.0.0.0/8' is not of the public Internet",
      ],
    });
    // The same copy is not enough for who refuses such lists.
    using strict = await load(folder.path, new TestClock(), settings(`${web.url}/l`));
    expect(targets(strict)).toEqual(["192.0.2.7/32"]);
    await strict.refresh("bad");
    expect(status(strict).error).toContain("2 of its entries cover own or private ranges");
    expect(targets(strict)).toEqual(["192.0.2.7/32"]);
  });

  test("one with nothing but comments is an empty list, and one with wrong lines tells them", async () => {
    using folder = temporaryFolder();
    using web = await webServer({ "/l": "192.0.2.7\n192.0.2.8\nwhat\n12.0.0.0/7" });
    using lists = await load(folder.path, new TestClock(), settings(`${web.url}/l`));
    await lists.refresh("bad");
    expect(status(lists)).toMatchObject({
      ...{ entries: 2, wrong: 1, refused: 1, error: null },
      examples: ["line 3: 'what' is no address or range", "line 4: '12.0.0.0/7' is wider than a /8"],
    });
    web.pages["/l"] = "# nobody today\n";
    await lists.refresh("bad");
    expect(status(lists)).toMatchObject({ entries: 0, wrong: 0, error: null });
    expect(targets(lists)).toEqual([]);
  });

  test("a CSV without the column is refused", async () => {
    using folder = temporaryFolder();
    using web = await webServer({ "/l": "a,b\n1,192.0.2.7" });
    using lists = await load(
      folder.path,
      new TestClock(),
      settings(`${web.url}/l`, { format: "csv", column: "ip" }),
    );
    await lists.refresh("bad");
    expect(lists.problems()).toMatchObject([{ code: "LIST_REFUSED" }]);
  });

  test("entries hold as long as `keep` says, from the last time that the source had them", async () => {
    using folder = temporaryFolder();
    const clock = new TestClock();
    using web = await webServer({ "/l": { body: "192.0.2.7", headers: { etag: '"1"' } } });
    using lists = await load(folder.path, clock, settings(`${web.url}/l`, { keep: HOUR }));
    await lists.refresh("bad");
    expect(lists.blocks[0]!.until).toBe(START + HOUR);
    clock.advance(HOUR / 2);
    await lists.refresh("bad");
    expect(lists.blocks[0]!.until).toBe(START + 1.5 * HOUR);
    web.pages["/l"] = 500;
    clock.advance(HOUR);
    await lists.refresh("bad");
    expect(targets(lists)).toEqual([]);
    expect(lists.blocked.size).toBe(0);
  });
});

describe("a list from a file", () => {
  test("is read again when it changed, and goes on from its copy when it is away", async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "bad.txt");
    writeFileSync(file, "192.0.2.7\n");
    using lists = await load(folder.path, new TestClock(), settings(file));
    await lists.refresh("bad");
    const { version } = lists;
    await lists.refresh("bad");
    expect(lists.version).toBe(version);
    writeFileSync(file, "192.0.2.8\n");
    await lists.refresh("bad");
    expect(targets(lists)).toEqual(["192.0.2.8/32"]);
    rmSync(file);
    await lists.refresh("bad");
    expect(targets(lists)).toEqual(["192.0.2.8/32"]);
    expect(status(lists).error).toContain("ENOENT");
  });

  test("what is no file, or too long a one, is not read", async () => {
    using folder = temporaryFolder();
    const pipe = join(folder.path, "pipe");
    execFileSync("mkfifo", [pipe]);
    const zero = join(folder.path, "zero");
    symlinkSync("/dev/zero", zero);
    const long = join(folder.path, "long");
    writeFileSync(long, "# \n".repeat(12_000_000));
    for (const [from, why] of [
      [pipe, "is no file"],
      [zero, "is no file"],
      [folder.path, "is no file"],
      [long, "is longer than"],
    ] as const) {
      using lists = await load(folder.path, new TestClock(), settings(from));
      await lists.refresh("bad");
      expect(status(lists).error).toContain(why);
    }
  });
});

describe("copies", () => {
  test("of another source, of another reading or damaged ones are as none", async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "bad.txt");
    writeFileSync(file, "192.0.2.7\n192.0.2.8\n");
    const clock = new TestClock();
    using lists = await load(folder.path, clock, settings(file));
    await lists.refresh("bad");
    const entriesWith = async (list: ListSettings): Promise<number> => {
      using loaded = await load(folder.path, clock, list);
      return loaded.blocks.length + loaded.allowed.size;
    };
    expect(await entriesWith(settings(file))).toBe(2);
    expect(await entriesWith(settings(`${file}.other`))).toBe(0);
    expect(await entriesWith(settings(file, { kind: "allow" }))).toBe(0);
    expect(await entriesWith(settings(file, { max: 1 }))).toBe(0);
    const copy = join(folder.path, "lists/bad.txt");
    const whole = readFileSync(copy, "utf8");
    for (const damaged of ["192.0.2.7\n", whole.replace("8", "x"), ""]) {
      writeFileSync(copy, damaged);
      expect(await entriesWith(settings(file))).toBe(0);
    }
    writeFileSync(copy, whole);
    expect(await entriesWith(settings(file))).toBe(2);
    writeFileSync(join(folder.path, "lists/bad.json"), "{");
    expect(await entriesWith(settings(file))).toBe(0);
  });

  test("where none can be kept, what was fetched counts all the same", async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "lists"), "a file in the place of the folder");
    const file = join(folder.path, "bad.txt");
    writeFileSync(file, "192.0.2.7\n");
    using lists = await load(folder.path, new TestClock(), settings(file));
    await lists.refresh("bad");
    expect(targets(lists)).toEqual(["192.0.2.7/32"]);
    expect(status(lists).error).toContain("its copy could not be kept");
    await lists.refresh("bad");
    expect(status(lists).error).toContain("its copy could not be kept");
    rmSync(join(folder.path, "lists"));
    await lists.refresh("bad");
    expect(status(lists).error).toBe(null);
  });

  test("nothing is left half-written", async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "bad.txt");
    writeFileSync(file, many(2_000));
    using lists = await load(folder.path, new TestClock(), settings(file));
    await lists.refresh("bad");
    expect(readdirSync(join(folder.path, "lists")).sort()).toEqual(["bad.json", "bad.txt"]);
    expect(existsSync(join(folder.path, "lists/bad.txt.new"))).toBe(false);
  });
});

describe("several lists", () => {
  const octets = (first: number, last: number): string =>
    Array.from({ length: last - first + 1 }, (_, n) => `${first + n}.0.0.0/8`).join("\n");

  test("of one kind that together cover more than half of the Internet are not all taken, nor after a restart", async () => {
    using folder = temporaryFolder();
    using web = await webServer({ "/a": octets(11, 90), "/b": octets(128, 168), "/c": octets(193, 223) });
    const [a, b, c] = ["a", "b", "c"].map((name) => settings(`${web.url}/${name}`, { name }));
    using lists = await load(folder.path, new TestClock(), a!, b!, c!);
    for (const name of ["a", "b", "c"]) await lists.refresh(name);
    const why = "with the other lists its ranges cover more than half of the Internet";
    expect(lists.problems()).toMatchObject([
      { code: "LIST_REFUSED", path: "c", message: expect.stringContaining(why) },
    ]);
    expect(lists.blocks).toHaveLength(80 + 41);
    web.pages["/a"] = octets(11, 20);
    for (const name of ["a", "c"]) await lists.refresh(name);
    expect(lists.problems()).toEqual([]);
    expect(lists.blocks).toHaveLength(10 + 41 + 31);

    // Each copy was good when it was kept; another configuration has them all.
    writeFileSync(join(folder.path, "d.txt"), octets(11, 90));
    const d = settings(join(folder.path, "d.txt"), { name: "d" });
    {
      using alone = await load(folder.path, new TestClock(), d);
      await alone.refresh("d");
      expect(alone.blocks).toHaveLength(80);
    }
    using again = await load(folder.path, new TestClock(), b!, c!, d);
    expect(again.blocks).toHaveLength(41 + 31);
    expect(again.problems()).toMatchObject([{ code: "LIST_REFUSED", path: "d" }]);
    const allowing = settings(join(folder.path, "d.txt"), { name: "e", kind: "allow" });
    using others = await load(folder.path, new TestClock(), b!, c!, allowing);
    await others.refresh("e");
    expect(others.allowed.size).toBe(80);
  });

  test("block each target once, until the latest end, and allow apart", async () => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, "from"));
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder.path, "from", name), text);
      return join(folder.path, "from", name);
    };
    using lists = await load(
      folder.path,
      new TestClock(),
      settings(file("a", "192.0.2.7\n192.0.2.8"), { name: "a", keep: HOUR }),
      settings(file("b", "192.0.2.8\n192.0.2.9"), { name: "b" }),
      settings(file("c", "10.0.0.0/8"), { name: "c", kind: "allow" }),
    );
    const told: string[] = [];
    lists.changed = (what) => told.push(what);
    await lists.refreshOlderThan(0);
    expect(told).toEqual(["entries", "entries", "entries"]);
    expect(new Map(lists.blocks.map(({ target, list, until }) => [target, [list, until]]))).toEqual(
      new Map([
        ["192.0.2.7/32", ["a", START + HOUR]],
        ["192.0.2.8/32", ["b", NEVER]],
        ["192.0.2.9/32", ["b", NEVER]],
      ] as [Target, unknown][]),
    );
    expect([...lists.allowed]).toEqual(["10.0.0.0/8"]);
    expect(lists.touching("192.0.2.8/31" as Target)).toEqual([
      { list: "a", kind: "block", target: "192.0.2.8/32" },
      { list: "b", kind: "block", target: "192.0.2.8/32" },
    ]);
    expect(lists.touching("10.1.1.1/32" as Target)).toEqual([
      { list: "c", kind: "allow", target: "10.0.0.0/8" },
    ]);
    expect(lists.touching("198.51.100.1/32" as Target)).toEqual([]);
  });
});
