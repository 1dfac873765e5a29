import { describe, expect, test } from "vitest";
import { matchesGlob } from "../../src/apache-config/glob.ts";
import { logTarget } from "../../src/apache-config/piped-log.ts";
import { logicalLines, wordsOf } from "../../src/apache-config/words.ts";

test("words are split, quoted and unescaped as Apache does it", () => {
  expect(wordsOf('a "b c"  \'d "e"\' "f\\"g" h\\\\i j\\"k ""')).toEqual([
    ...["a", "b c", 'd "e"', 'f"g', "h\\i", 'j\\"k', ""],
  ]);
  expect(wordsOf('"never closed \\')).toEqual(["never closed \\"]);
  expect(wordsOf("no-break\u00a0space")).toEqual(["no-break\u00a0space"]);
});

test("lines know where they begin, whatever their ends are", () => {
  const lines = [...logicalLines("A\r\n\r\nB \\\r\n  C\n# no \\\n D\n\tE", "f")];
  expect(lines.map(({ text, place }) => `${place.line} ${text}`)).toEqual(["1 A", "3 B   C", "7 E"]);
});

describe("globs", () => {
  test.each([
    ["*.conf", "a.conf", true],
    ["*.conf", "a.conf.bak", false],
    ["*.conf", ".a.conf", false],
    [".*", ".a", true],
    ["?[0-9]*", "a1", true],
    ["[!a-c]x", "bx", false],
    ["[^a-c]x", "dx", true],
    ["[]a]", "]", true],
    ["[a", "[a", true],
    ["a\\*", "a*", true],
    ["*", "", true],
    ["**a**", "bab", true],
  ])("%s and %s", (pattern, name, matches) => {
    expect(matchesGlob(pattern, name)).toBe(matches);
  });

  test("of many stars take no time", () => {
    expect(matchesGlob(`${"*a".repeat(2_000)}b`, "a".repeat(20_000))).toBe(false);
  });
});

describe("a log's target", () => {
  test.each([
    ["/var/log/a.log", "/var/log/a.log"],
    ["logs/50%.log", "logs/50%.log"],
    ["|/usr/bin/rotatelogs /l/a.%Y-%m-%d 86400", "/l/a.*-*-*"],
    ["|/usr/bin/rotatelogs /l/a 5M", "/l/a.*"],
    ["||rotatelogs -l -f '/l/a b.%s' 3600", "/l/a b.*"],
    ["|$/usr/bin/rotatelogs -t /l/a 1M", "/l/a"],
    ["|rotatelogs -n 5 /l/a 1M", "/l/a*"],
    ["|rotatelogs -L /l/now /l/%Y/a 86400", "/l/now"],
    ["|rotatelogs -lL /l/now -p /bin/x /l/a.%d 86400", "/l/a.*"],
    ["|/usr/sbin/cronolog /l/%Y-a.log", "/l/*-a.log"],
    ["|cronolog --symlink=/l/now --period days /l/%Y/a.log", "/l/now"],
    ["|rotatelogs /l/%Y/%m/a.%d 86400", "/l/*/*/a.*"],
  ])("%s is read at %s", (written, path) => {
    expect(logTarget(written)).toEqual({ kind: "file", path });
  });

  test.each([
    ["|/usr/bin/logger -t x", "is piped to logger"],
    ["|rotatelogs", "is told no file"],
    ["|", "is piped to nothing"],
    ["syslog", "goes to syslog"],
    ["syslog:local1", "goes to syslog"],
    ["/dev/stdout", "standard output"],
    ["/proc/self/fd/2", "standard output or error"],
    [`/l/\${UNKNOWN}.log`, "a variable that is not defined"],
    ["/l/a\nb", "cannot be written"],
    ["/l/**/a.log", "is called **"],
    ["", "names no file"],
  ])("%j is told, not read", (written, why) => {
    const target = logTarget(written);
    expect(target.kind === "elsewhere" && target.why).toContain(why);
  });
});
