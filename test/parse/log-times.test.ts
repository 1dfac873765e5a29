import { describe, expect, test } from "vitest";
import { accessOf, reasonOf } from "./apache-lines.ts";
import { COMBINED, parser, START, TIME } from "./log-formats.ts";

describe("times", () => {
  const at = (format: string, text: string, timezone = "UTC") =>
    accessOf(parser(`%a ${format} %>s "%r"`, timezone), `192.0.2.7 ${text} 200 "GET / HTTP/1.1"`).time;

  test.each([
    ["%t", "[20/Nov/2026:22:01:30 +0000]", TIME],
    ["%t", "[21/Nov/2026:00:01:30 +0200]", TIME],
    ["%t", "[20/Nov/2026:16:31:30 -0530]", TIME],
    ["%{begin:%d/%b/%Y %T %z}t", "20/Nov/2026 22:01:30 +0000", TIME],
    ["%{begin}t", "[20/Nov/2026:22:01:30 +0000]", TIME],
    ["%{end}t", "[20/Nov/2026:22:01:30 +0000]", TIME],
    ["%{end:sec}t", String(TIME / 1_000), TIME],
    ["%{sec}t.%{msec_frac}t", `${TIME / 1_000}.042`, TIME + 42],
    ["%{msec}t", String(TIME + 7), TIME + 7],
    ["%{usec}t", String((TIME + 7) * 1_000 + 999), TIME + 7],
    ["%{%Y-%m-%dT%H:%M:%S}t.%{usec_frac}t%{%z}t", "2026-11-20T22:01:30.122835+0000", TIME + 122],
    ["[%{%d/%b/%Y:%H:%M:%S}t.%{msec_frac}t %{%z}t]", "[20/Nov/2026:22:01:30.122 +0000]", TIME + 122],
    ["%{%F %T}t", "2026-11-20 22:01:30", TIME],
    ["%{%c}t", "Fri Nov 20 22:01:30 2026", TIME],
    ["%{%e %B %y, %I:%M:%S %p}t", "20 November 26, 10:01:30 PM", TIME],
    ["%{%A %d.%m.%Y %R %Z}t", "Friday 20.11.2026 22:01 UTC", TIME - 30_000],
    ["%{%S %F %H:%M}t", "30 2026-11-20 22:01", TIME],
  ])("%s reads %s", (format, text, expected) => {
    expect(at(format, text)).toBe(expected);
  });

  test("a time without a zone is in the source's zone, with its daylight saving", () => {
    expect(at("%{%F %T}t", "2026-11-20 23:01:30", "Europe/Berlin")).toBe(TIME);
    expect(at("%{%F %T}t", "2026-07-01 12:00:00", "Europe/Berlin")).toBe(Date.UTC(2026, 6, 1, 10));
  });

  test("a date that stands between seconds and fraction is read on every line", () => {
    const one = parser("%a %{%S %F %H:%M}t.%{msec_frac}t %>s");
    const read = (text: string) => accessOf(one, `192.0.2.7 ${text} 200`).time - TIME;
    expect(read("30 2026-11-20 22:01.000")).toBe(0);
    expect(read("30 2026-11-21 22:01.007")).toBe(86_400_007);
  });

  test("a time that follows another of the same minute, hour, day or year is its own", () => {
    const one = parser("%a %{%Y-%m-%d %H:%M:%S}t.%{usec_frac}t %>s");
    const read = (text: string) => accessOf(one, `192.0.2.7 ${text} 200`).time - TIME;
    expect(read("2026-11-20 22:01:30.000000")).toBe(0);
    expect(read("2026-11-20 22:01:31.500999")).toBe(1_500);
    expect(read("2026-11-20 22:01:29.000000")).toBe(-1_000);
    expect(read("2026-11-20 22:02:30.000000")).toBe(60_000);
    expect(read("2026-11-21 22:01:30.000000")).toBe(86_400_000);
    expect(read("2026-11-20 22:01:30.000000")).toBe(0);
  });

  test.each([
    "32/Jan/2026:00:00:00 +0000",
    "29/Feb/2026:00:00:00 +0000",
    "20/Nov/2026:24:00:00 +0000",
    "20/Nov/2026:22:61:00 +0000",
    "20/Foo/2026:22:01:30 +0000",
    "00/Nov/2026:22:01:30 +0000",
    "20/Nov/2026:22:01:61 +0000",
  ])("%s is no time", (text) => {
    const combined = parser(COMBINED);
    accessOf(combined, `${START} "GET / HTTP/1.1" 200 5 "-" "-"`);
    expect(reasonOf(combined, `192.0.2.7 - - [${text}] "GET / HTTP/1.1" 200 5 "-" "-"`)).toBe("time");
  });

  test("29 February of a leap year is one", () => {
    expect(at("%t", "[29/Feb/2028:00:00:00 +0000]")).toBe(Date.UTC(2028, 1, 29));
  });
});
