import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CliContext } from "../../src/cli/context.ts";
import { type Fit, table } from "../../src/cli/table.ts";

const terminal = (columns: number | null, isTTY = columns !== null) =>
  ({ isTTY, env: {}, columns }) as unknown as CliContext;

describe("a table", () => {
  test("lines up its columns, and numbers to the right", () => {
    const rows = [
      ["a", { text: "1", right: true }],
      ["long", { text: "1,000", right: true }],
    ];
    expect(table(terminal(null), rows)).toBe("a         1\nlong  1,000\n");
  });

  test("keeps its columns where cells are coloured, and never passes on a cell's own escapes", () => {
    const text = table(terminal(80), [
      [{ text: "ok", style: "green" }, "x"],
      [{ text: "failed", style: "red" }, "\x1b[31m"],
    ]);
    expect(text).toBe("\x1b[32mok\x1b[39m      x\n\x1b[31mfailed\x1b[39m  \\x1b[31m\n");
  });

  test("is cut to the terminal, the widest column that may first, and whole for a pipe", () => {
    const rows = [
      ["192.0.2.7/32", "apache-directory", "Repeated 403: 10 in 3m"],
      ["192.0.2.8/32", "nothing", "by hand"],
    ];
    const fit = { cut: [2, 1] };
    expect(table(terminal(40), rows, fit)).toBe(
      "192.0.2.7/32  apache-dir…  Repeated 4…\n192.0.2.8/32  nothing      by hand\n",
    );
    expect(table(terminal(1), rows, fit)).toBe(
      "192.0.2.7/32  apache-…  Repeate…\n192.0.2.8/32  nothing   by hand\n",
    );
    for (const wide of [null, 80])
      expect(table(terminal(wide), rows, fit)).toContain("  apache-directory  Repeated 403: 10 in 3m\n");
  });

  test("leaves a column out where cutting is not enough, and only then", () => {
    const rows = [["192.0.2.7/32", "2026-11-20 12:00", "a long reason"]];
    const fit = { drop: [1], cut: [2] };
    expect(table(terminal(43), rows, fit)).toBe("192.0.2.7/32  2026-11-20 12:00  a long r…\n");
    expect(table(terminal(40), rows, fit)).toBe("192.0.2.7/32  a long reason\n");
  });

  test("cuts a path in front", () => {
    const rows = [[{ text: "/var/log/apache2/access.log", keepsEnd: true }, "ok"]];
    expect(table(terminal(18), rows, { cut: [0] })).toBe("…/access.log  ok\n");
  });

  test("counts what East Asian characters take, and cuts none of them in two", () => {
    const rows = [
      ["関所の理由", "x"],
      ["short", "y"],
    ];
    expect(table(terminal(80), rows)).toBe("関所の理由  x\nshort       y\n");
    expect(table(terminal(13), rows, { cut: [0] })).toBe("関所の…   x\nshort     y\n");
  });

  test("never is wider than the terminal where all columns may be cut", () => {
    const cell = fc.string({ unit: "grapheme-ascii", maxLength: 40 });
    const width = fc.integer({ min: 40, max: 100 });
    const fit: Fit = { drop: [3], cut: [0, 1, 2] };
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell, cell, cell), { minLength: 1 }), width, (rows, columns) =>
        table(terminal(columns), rows, fit)
          .split("\n")
          .every((line) => line.length <= columns),
      ),
    );
  });
});
