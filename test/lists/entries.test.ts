import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cellsOf } from "../../src/lists/columns.ts";
import { type ReadingRules, readEntries } from "../../src/lists/entries.ts";
import { parseTarget } from "../../src/model/ip.ts";

const PLAIN: ReadingRules = { kind: "block", format: "plain", column: 1, separator: ",", max: 1_000 };
const CSV: ReadingRules = { ...PLAIN, format: "csv" };
const read = async (text: string | Buffer, rules: Partial<ReadingRules> = {}) => {
  const reading = await readEntries(Buffer.from(text), { ...PLAIN, ...rules });
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

describe("what is refused of a list", () => {
  test.each([
    ["wider than a /8", ["0.0.0.0/0", "4.0.0.0/7", "2000::/18", "::/0"]],
    [
      "not of the public Internet",
      [
        ...["0.1.2.3", "10.0.0.0/8", "100.64.0.0/10", "100.127.1.1", "127.0.0.1", "169.254.0.0/16"],
        ...["172.16.0.0/12", "172.31.255.255", "192.168.0.0/16", "224.0.0.1", "255.255.255.255"],
        ...[
          "::1/128",
          "fe80::1",
          "fd00::/19",
          "ff02::/19",
          "64:ff9b::1",
          "192.128.0.0/9",
          "172.0.0.0/11",
          "100.0.0.0/8",
        ],
      ],
    ],
  ])("of a blocklist what is %s", async (_why, entries) => {
    const { targets, wrong, refused } = await read([...entries, "192.0.2.7"].join("\n"));
    expect(targets).toEqual(["192.0.2.7/32"]);
    expect({ wrong, refused }).toEqual({ wrong: 0, refused: entries.length });
  });

  test("the neighbours of what is not public are taken", async () => {
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
    ];
    expect((await read(entries.join("\n"))).targets).toEqual(entries.toSorted());
  });

  test("an allowlist may have private ranges, and no wide ones", async () => {
    const { targets, refused } = await read("10.0.0.0/8\nfd00::/64\n0.0.0.0/1\n::/0", { kind: "allow" });
    expect(targets).toEqual(["10.0.0.0/8", "fd00::/64"]);
    expect(refused).toBe(2);
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
