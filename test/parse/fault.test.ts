import { expect, test } from "vitest";
import { unixMs } from "../../src/model/time.ts";
import { createParser } from "../../src/parse/formats.ts";
import type { LineParser } from "../../src/parse/line-parser.ts";
import { parseLines } from "../../src/pipeline.ts";

const LINE = '192.0.2.7 - - [21/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 12 "-" "-"';

test("a line on which a parser throws is unparsed, with its bytes, and the lines around it are read", () => {
  const combined = createParser("access", "combined", null);
  const faulty: LineParser = {
    ...combined,
    parse(line, ...others) {
      if (line === "poison") throw new RangeError("Maximum call stack size exceeded");
      return combined.parse(line, ...others);
    },
  };
  const batch = { lines: [LINE, "poison", LINE], cut: new Set<number>() };
  const events = parseLines(batch, faulty, 3, unixMs(5));
  expect(events.map(({ kind }) => kind)).toEqual(["access", "unparsed", "access"]);
  expect(events[1]).toEqual({ kind: "unparsed", time: 5, source: 3, line: "poison", reason: "fault" });
});
