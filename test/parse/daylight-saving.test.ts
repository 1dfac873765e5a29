import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Protected } from "../../src/decide/protected.ts";
import type { UnixMs } from "../../src/model/time.ts";
import { createMixedParser, createParser } from "../../src/parse/formats.ts";
import type { LineParser } from "../../src/parse/line-parser.ts";
import { replay } from "../../src/replay/replay.ts";
import { readRuleSet } from "../../src/setup.ts";
import { runs } from "../property.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { parse } from "./apache-lines.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** The moment at which the clock goes back (autumn) or forward (spring) in each zone. */
const CHANGES = [
  ["Europe/Berlin", "autumn", Date.UTC(2026, 9, 25, 1)],
  ["Europe/Berlin", "spring", Date.UTC(2026, 2, 29, 1)],
  ["America/New_York", "autumn", Date.UTC(2026, 10, 1, 6)],
  ["America/New_York", "spring", Date.UTC(2026, 2, 8, 7)],
  ["Australia/Lord_Howe", "autumn", Date.UTC(2026, 3, 4, 15)],
] as const;

/** What Apache's error log shows of a moment: the wall clock's time, without its zone. */
function clockOf(timezone: string): (moment: number) => string {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: timezone,
    hourCycle: "h23",
    ...({ weekday: "short", month: "short", day: "2-digit", year: "numeric" } as const),
    ...({ hour: "2-digit", minute: "2-digit", second: "2-digit" } as const),
  });
  return (moment) => {
    const part = Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, value]));
    const { weekday, month, day, hour, minute, second, year } = part;
    return `${weekday} ${month} ${day} ${hour}:${minute}:${second}.${String(moment % 1_000).padStart(3, "0")}000 ${year}`;
  };
}
const errorLine = (clock: string): string =>
  `[${clock}] [authz_core:error] [pid 1:tid 2] [client 203.0.113.7:1] AH01630: x`;
const read = (parser: LineParser, clock: string): number => parse(parser, errorLine(clock)).time;

describe.each(CHANGES)("%s in %s", (timezone, _, change) => {
  const clock = clockOf(timezone);
  test("every moment of an error log with a line each minute is its own", () => {
    const parser = createParser("error", "auto", timezone);
    for (let moment = change - 2 * HOUR; moment < change + 3 * HOUR; moment += MINUTE - 1) {
      expect(new Date(read(parser, clock(moment))).toISOString()).toBe(new Date(moment).toISOString());
    }
  });

  test("lines that come a little late do not go an hour back or forward", () => {
    const parser = createParser("error", "auto", timezone);
    const steps = fc.array(fc.record({ gap: fc.nat(40_000), late: fc.nat(3_000) }), {
      minLength: 600,
      maxLength: 900,
    });
    fc.assert(
      fc.property(steps, (chosen) => {
        // The same parser reads many logs here: one that begins anew is hours behind.
        let newest = change - 2 * HOUR;
        read(parser, clock(newest - 12 * HOUR));
        for (const { gap, late } of chosen) {
          newest += gap;
          expect(read(parser, clock(newest - late))).toBe(newest - late);
        }
      }),
      { numRuns: runs(10), endOnFailure: true },
    );
  });

  test("a line from before the change that comes just behind the first one after it keeps its time", () => {
    for (let late = 500; late <= 3_000; late += 500) {
      const parser = createParser("error", "auto", timezone);
      for (const moment of [-60_000, -late, 0, 100 - late, 100, 20_000, HOUR / 4]) {
        expect(read(parser, clock(change + moment))).toBe(change + moment);
      }
    }
  });

  test("a parser that is told how far the log had come goes on there", () => {
    for (let moment = change - 2 * HOUR; moment < change + 3 * HOUR; moment += 7 * MINUTE) {
      const parser = createParser("error", "auto", timezone, { since: (moment - 5_000) as UnixMs });
      expect(read(parser, clock(moment))).toBe(moment);
    }
  });

  test("the same in a mixed log, and in an ErrorLogFormat of its own", () => {
    const own = "[%{u}t] [%m:%l] [pid %P:tid %T] [client %a] %M";
    for (const parser of [createMixedParser("auto", timezone), createParser("error", own, timezone)]) {
      for (let moment = change - 2 * HOUR; moment < change + 3 * HOUR; moment += 47_000) {
        expect(read(parser, clock(moment))).toBe(moment);
      }
    }
  });
});

describe("requests in a format without a zone, by the time of their beginning", () => {
  const [timezone, , change] = CHANGES[0];
  const clock = new Intl.DateTimeFormat("sv-SE", {
    timeZone: timezone,
    dateStyle: "short",
    timeStyle: "medium",
  });
  const line = (moment: number) => `192.0.2.7 ${clock.format(moment)} 200`;

  test("one that took long does not move those behind it", () => {
    const parser = createParser("access", "%a %{%F %T}t %>s", timezone);
    for (let moment = change - HOUR; moment < change - MINUTE; moment += 20_000) {
      expect(parse(parser, line(moment)).time).toBe(moment);
      if (moment > change - 10 * MINUTE) parse(parser, line(moment - 40 * MINUTE));
    }
  });

  test("after ten of them the clock is believed to have gone back", () => {
    const parser = createParser("access", "%a %{%F %T}t %>s", timezone);
    const wrong: number[] = [];
    for (let moment = change - HOUR; moment < change + 2 * HOUR; moment += 20_000) {
      const { time } = parse(parser, line(moment));
      if (time === moment) continue;
      wrong.push(moment);
      expect(time).toBe(moment - HOUR);
    }
    expect(wrong).toHaveLength(9);
  });

  test("WebSockets that end after the change, and many that end at once before it, move no others", () => {
    const parser = createParser("access", "%a %{%F %T}t %>s", timezone);
    const restart = change - 25 * MINUTE;
    const wrong: number[] = [];
    for (let moment = change - HOUR; moment < change + 90 * MINUTE; moment += 10_000) {
      if (moment === restart)
        for (let open = 0; open < 50; open++) parse(parser, line(moment - (50 - open) * 30_000));
      if (moment > change + 5 * MINUTE && moment % MINUTE === 0) parse(parser, line(moment - 50 * MINUTE));
      if (parse(parser, line(moment)).time !== moment) wrong.push(moment);
    }
    expect(wrong).toHaveLength(9);
  });

  test("JSON too", () => {
    const parser = createParser("access", "json", timezone);
    const object = (moment: number) =>
      JSON.stringify({ client: "192.0.2.7", status: 200, time: clock.format(moment).replace(" ", "T") });
    let last = 0;
    for (let moment = change - HOUR; moment < change + 2 * HOUR; moment += 20_000)
      last = parse(parser, object(moment)).time;
    expect(last).toBe(change + 2 * HOUR - 20_000);
  });
});

test("a file that is read anew, and a clock that was wrong for a line, do no lasting harm", () => {
  const parser = createParser("error", "auto", "Europe/Berlin");
  const clock = clockOf("Europe/Berlin");
  const change = CHANGES[0][2];
  for (const moment of [change + HOUR, change - 90 * MINUTE, change - 30 * MINUTE, Date.UTC(2030, 0, 1)]) {
    expect(read(parser, clock(moment))).toBe(moment);
  }
  for (const moment of [change - 20 * MINUTE, change + 10 * MINUTE, change + 20 * MINUTE]) {
    expect(read(parser, clock(moment))).toBe(moment);
  }
});

test("the year changes", () => {
  const parser = createParser("error", "auto", "America/New_York");
  expect(read(parser, "Thu Dec 31 23:59:59.999000 2026")).toBe(Date.UTC(2027, 0, 1, 4, 59, 59, 999));
  expect(read(parser, "Fri Jan 01 00:00:00.000000 2027")).toBe(Date.UTC(2027, 0, 1, 5));
});

test("a replay does not take two hours for one: five refusals in each are no ten in a quarter of an hour", async () => {
  const [timezone, , change] = CHANGES[0];
  const clock = clockOf(timezone);
  using folder = temporaryFolder();
  const rules = join(folder.path, "rules");
  mkdirSync(rules);
  writeFileSync(
    join(rules, "ten.yaml"),
    `title: { en: Ten, ja: Ten }
detects: x
why: x
severity: low
events: error
match: { code: AH01630 }
bucket: { kind: threshold, count: 10, window: 15m }
`,
  );
  const lines = [change - 40 * MINUTE, change + 20 * MINUTE].flatMap((start) =>
    [0, 1, 2, 3, 4].map((minutes) => errorLine(clock(start + minutes * MINUTE))),
  );
  const file = join(folder.path, "error.log");
  writeFileSync(file, `${lines.join("\n")}\n`);
  const replayedIn = (zone: string) =>
    replay({
      files: [file],
      rules: readRuleSet(rules, null, []).rules,
      origins: [],
      policy: { ban: HOUR, factor: 2, max: HOUR, memory: HOUR } as never,
      protectedTargets: Protected.nobody,
      format: null,
      timezone: zone,
      trustedProxies: [],
      onProgress: () => {},
    });
  expect(await replayedIn(timezone)).toMatchObject({ events: { error: 10 }, verdict: { findings: [] } });
  // Where the clock never changes, the same lines are ten in a quarter of an hour.
  expect((await replayedIn("UTC")).verdict.findings).toHaveLength(1);
});
