import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Protected } from "../../src/decide/protected.ts";
import { cellsOf } from "../../src/lists/columns.ts";
import { type ReadingRules, readEntries } from "../../src/lists/entries.ts";
import { OwnAndPrivate } from "../../src/lists/own-and-private.ts";
import { parseTarget, type Target } from "../../src/model/ip.ts";

const PLAIN: ReadingRules = { format: "plain", column: 1, separator: ",", max: 1_000 };
const CSV: ReadingRules = { ...PLAIN, format: "csv" };
const OWN = new Protected({
  "this host's own address": ["203.0.113.80/32", "2001:db8:80::1/128"] as Target[],
  "a trusted proxy": ["198.51.100.0/24"] as Target[],
});
const read = async (
  text: string | Buffer,
  rules: Partial<ReadingRules> = {},
  unwanted: OwnAndPrivate | null = null,
) => {
  const reading = await readEntries(Buffer.from(text), { ...PLAIN, ...rules }, unwanted);
  return { ...reading, targets: [...reading.targets].sort() };
};

describe("a plain list", () => {
  test("has an address or range a line, with comments, in any spelling, each once", async () => {
    const text = [
      "\ufeff# bad hosts",
      "192.0.2.7",
      "  198.51.100.0/24 ; SBL1",
      "203.0.113.9\t# seen yesterday\r",
      "",
      "192.0.2.7/32",
      "203.0.113.77/28",
      "2001:DB8:0:1::5",
      "2001:db8::1/128",
      "::ffff:192.0.2.8",
      "; the end",
    ].join("\n");
    const { targets, wrong, refused, lines } = await read(text);
    expect(targets).toEqual([
      "192.0.2.7/32",
      "192.0.2.8/32",
      "198.51.100.0/24",
      "2001:db8:0:1::/64",
      "2001:db8::1/128",
      "203.0.113.64/28",
      "203.0.113.9/32",
    ]);
    expect({ wrong, refused, lines }).toEqual({ wrong: 0, refused: 0, lines: 11 });
  });

  test("what is no address is counted and shown with its line, harmlessly", async () => {
    const text =
      "192.0.2.7\nevil.example\n192.0.2.300\n\u001b[2J<script>\n192.0.2.1-192.0.2.9\n192.0.2.8 9\n010.1.2.3";
    const { targets, wrong, examples } = await read(text);
    expect(targets).toEqual(["192.0.2.7/32"]);
    expect(wrong).toBe(6);
    expect(examples.slice(0, 3)).toEqual([
      "line 2: 'evil.example' is no address or range",
      "line 3: '192.0.2.300' is no address or range",
      "line 4: '?[2J<script>' is no address or range",
    ]);
  });

  test("of many wrong lines ten are shown, and a line without end is cut", async () => {
    const { wrong, examples } = await read(`${"x\n".repeat(5_000)}${"9".repeat(1_000_000)}`);
    expect(wrong).toBe(5_001);
    expect(examples).toHaveLength(10);
    const endless = await read("9".repeat(1_000_000));
    expect(endless.examples).toEqual([`line 1: '${"9".repeat(60)}' is too long`]);
  });

  test("reading ends when there are twice as many as there may be", async () => {
    const text = Array.from({ length: 5_000 }, (_, n) => `203.0.${n >> 8}.${n & 255}`).join("\n");
    expect((await read(text, { max: 10 })).targets).toHaveLength(21);
  });

  test("bytes that are no text are wrong lines and nothing else", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const { targets } = await read(Buffer.from(bytes));
        expect(targets.map((target) => parseTarget(target))).toEqual(targets);
      }),
    );
  });
});

const ofBlocklist = (text: string) => read(text, {}, new OwnAndPrivate(OWN));

describe("what is refused of a list", () => {
  test("of any what is wider than a /8 or a /19", async () => {
    const wide = ["4.0.0.0/7", "2000::/18", "0.0.0.0/0", "::/0"];
    const { targets, refused, covering } = await read([...wide, "10.0.0.0/8", "fd00::/64"].join("\n"));
    expect(targets).toEqual(["10.0.0.0/8", "fd00::/64"]);
    expect({ refused, covering: covering.count }).toEqual({ refused: 4, covering: 0 });
  });

  const NOT_PUBLIC = [
    ...["0.1.2.3", "10.0.0.0/8", "100.64.0.0/10", "100.127.1.1", "127.0.0.1", "169.254.0.0/16"],
    ...["172.16.0.0/12", "172.31.255.255", "192.168.0.0/16", "224.0.0.1", "255.255.255.255"],
    ...["::1/128", "fe80::1", "fd00::/19", "ff02::/19", "64:ff9b::1", "192.128.0.0/9"],
    ...["172.0.0.0/11", "100.0.0.0/8", "0.0.0.0/0", "::/0", "8.0.0.0/6", "3000::/2"],
  ];
  const OF_THIS_HOST = ["203.0.113.80", "203.0.113.0/24", "198.51.100.7", "2001:db8:80::1", "2001:db8::/32"];

  test.each([...NOT_PUBLIC, ...OF_THIS_HOST])(
    "of a blocklist what covers own or private ranges: %s",
    async (entry) => {
      const { targets, wrong, refused, covering } = await ofBlocklist(`192.0.2.7\n\n${entry}`);
      expect(targets).toEqual(["192.0.2.7/32"]);
      expect({ wrong, refused, count: covering.count }).toEqual({ wrong: 0, refused: 1, count: 1 });
      expect(covering.examples).toHaveLength(1);
      expect(covering.examples[0]).toContain(`line 3: '${entry}'`);
    },
  );

  test("each with the reason, all counted and the first three told", async () => {
    const { covering } = await ofBlocklist(
      "10.0.0.1\n203.0.113.0/24\n198.51.100.0/25\n127.0.0.1\n192.0.2.7\n",
    );
    expect(covering).toEqual({
      count: 4,
      examples: [
        "line 1: '10.0.0.1' is not of the public Internet",
        "line 2: '203.0.113.0/24' covers this host's own address",
        "line 3: '198.51.100.0/25' covers a trusted proxy",
      ],
    });
  });

  test("the neighbours of what is not public, or is this host's own, are taken", async () => {
    const entries = [
      ...[
        "1.0.0.0/8",
        "100.63.255.255/32",
        "100.128.0.0/16",
        "169.253.0.0/16",
        "172.15.0.0/16",
        "172.32.0.0/11",
      ],
      ...["192.167.0.0/16", "192.169.0.0/16", "223.0.0.0/8", "2000::/19", "3fff:e000::/19"],
      ...["198.51.99.0/24", "203.0.113.81/32", "2001:db8:81::/48"],
    ];
    expect((await ofBlocklist(entries.join("\n"))).targets).toEqual(entries.toSorted());
    // Looked at closely too, for the sake of one other.
    expect((await ofBlocklist([...entries, "10.0.0.0/8"].join("\n"))).targets).toEqual(entries.toSorted());
  });

  test("what is cut is no further read when it is looked at closely", async () => {
    const text = `${Array.from({ length: 30 }, (_, n) => `10.0.0.${n}`).join("\n")}\n192.0.2.7\n`;
    const { isCut, covering } = await read(text, { max: 10 }, new OwnAndPrivate(OWN));
    expect({ isCut, count: covering.count }).toEqual({ isCut: true, count: 0 });
  });
});

describe("a column of CSV", () => {
  test("is told by its number, below a heading or without one", async () => {
    const text = '# feed\nfirst_seen,ip,port\n"2026-11-20","192.0.2.7",443\n2026-11-20, 192.0.2.8 ,"4,5"';
    expect(await read(text, { ...CSV, column: 2 })).toMatchObject({
      targets: ["192.0.2.7/32", "192.0.2.8/32"],
      wrong: 0,
    });
    expect((await read("1,192.0.2.7\n2,192.0.2.8", { ...CSV, column: 2 })).targets).toHaveLength(2);
  });

  test("is told by its name, with another separator, and quotes as they come", async () => {
    const text = 'Größe;"the ""ip"""\n1;192.0.2.7\n2;"192.0.2.8\n3\n';
    const { targets, wrong, examples } = await read(text, { ...CSV, column: 'the "ip"', separator: ";" });
    expect(targets).toEqual(["192.0.2.7/32", "192.0.2.8/32"]);
    expect(wrong).toBe(1);
    expect(examples).toEqual(["line 4: '' is no address or range"]);
    expect((await read("192.0.2.7;1\nx;2", { ...CSV, column: 1, separator: ";" })).wrong).toBe(1);
  });

  test("that is not there is said, with those that are", async () => {
    await expect(read("a,b\n1,2", { ...CSV, column: "ip" })).rejects.toThrow(
      "its first line names no column 'ip', but: a, b",
    );
  });

  test("cells are what RFC 4180 says, and hostile quotes take linear time", () => {
    expect(cellsOf('a,"b,""c""",,d"e,"f"g', ",")).toEqual(["a", 'b,"c"', "", 'd"e', "fg"]);
    expect(cellsOf("", ",")).toEqual([""]);
    expect(cellsOf('"'.repeat(4_096), ",")).toHaveLength(1);
  });
});
