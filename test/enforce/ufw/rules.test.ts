import { describe, expect, test } from "vitest";
import { planRules } from "../../../src/enforce/ufw/plan.ts";
import type { FoundRule } from "../../../src/enforce/ufw/program.ts";
import {
  commentOf,
  isWhole,
  portsText,
  prependRule,
  readKernelRules,
  readRules,
} from "../../../src/enforce/ufw/rules.ts";
import { NEVER, type UnixMs, unixMs } from "../../../src/model/time.ts";
import { target } from "../blocks.ts";

const hex = (comment: string): string => Buffer.from(comment).toString("hex");
const tuple = (fields: string, comment?: string): string =>
  `### tuple ### ${fields}${comment === undefined ? "" : ` comment=${hex(comment)}`}`;
const END = unixMs(Date.UTC(2026, 10, 21, 15));
const PORTS = "80,443";

describe("a rule as a user would type it", () => {
  test("denies the web server's ports to a target, with the time of its end in the comment", () => {
    const command = prependRule(target("198.51.100.7/32"), PORTS, commentOf(END));
    expect(command.join(" ")).toBe(
      "prepend deny proto tcp from 198.51.100.7 to any port 80,443 comment sekisho until 2026-11-21T15:00:00Z",
    );
    expect(prependRule(target("2001:db8::/64"), "80", commentOf(NEVER)).slice(5, 12)).toEqual([
      "2001:db8::/64",
      "to",
      "any",
      "port",
      "80",
      "comment",
      "sekisho permanent",
    ]);
  });

  test("writes an IPv4-mapped address as the IPv4 address that it is", () => {
    expect(prependRule(target("::ffff:198.51.100.7/128"), PORTS, "x")).toContain("198.51.100.7");
  });

  test("ends with the second in which the ban ends, and not before", () => {
    expect(commentOf(unixMs(END + 1))).toBe("sekisho until 2026-11-21T15:00:01Z");
    expect(commentOf(unixMs(END - 1))).toBe("sekisho until 2026-11-21T15:00:00Z");
  });

  test("has its ports in the order in which ufw stores them", () => {
    expect(portsText([443, 80, 8080, 80])).toBe("80,443,8080");
  });
});

describe("what ufw has stored", () => {
  test("is ours by its comment and its form, in both families", () => {
    const text = [
      tuple("deny tcp 80,443 0.0.0.0/0 any 198.51.100.7 in", "sekisho until 2026-11-21T15:00:00Z"),
      tuple("deny tcp 80,443 0.0.0.0/0 any 203.0.113.0/24 in", "sekisho permanent"),
      tuple("deny tcp 80 ::/0 any 0:0:0:9::/64 in", "sekisho permanent"),
      tuple("deny tcp 80 ::/0 any ::192.0.2.10 in", "sekisho permanent"),
    ].join("\n");
    expect(readRules(text, PORTS).own).toMatchObject([
      { target: "198.51.100.7/32", ports: "80,443", until: END },
      { target: "203.0.113.0/24", until: NEVER },
      { target: target("0:0:0:9::/64"), source: "0:0:0:9::/64", ports: "80" },
      { target: "::c000:20a/128", source: "::192.0.2.10" },
    ]);
  });

  test.for([
    ["another comment", tuple("deny tcp 80,443 0.0.0.0/0 any 198.51.100.7 in", "of the administrator")],
    ["no comment", tuple("deny tcp 80,443 0.0.0.0/0 any 198.51.100.7 in")],
    ["more than our comment", tuple("deny tcp 80,443 0.0.0.0/0 any 198.51.100.7 in", "sekisho permanent!")],
    [
      "no time that there is",
      tuple("deny tcp 80,443 0.0.0.0/0 any 198.51.100.7 in", "sekisho until 2026-99-21T15:00:00Z"),
    ],
    ["another action", tuple("allow tcp 80,443 0.0.0.0/0 any 198.51.100.7 in", "sekisho permanent")],
    ["another protocol", tuple("deny any any 0.0.0.0/0 any 198.51.100.7 in", "sekisho permanent")],
    ["another destination", tuple("deny tcp 80,443 192.0.2.1 any 198.51.100.7 in", "sekisho permanent")],
    ["an interface", tuple("deny tcp 80,443 0.0.0.0/0 any 198.51.100.7 in_eth0", "sekisho permanent")],
    ["another direction", tuple("deny tcp 80,443 0.0.0.0/0 any 198.51.100.7 out", "sekisho permanent")],
    ["an application", tuple("deny tcp 80,443 0.0.0.0/0 any 198.51.100.7 WWW - in", "sekisho permanent")],
    ["everybody", tuple("deny tcp 80,443 0.0.0.0/0 any 0.0.0.0/0 in", "sekisho permanent")],
    ["no address", tuple("deny tcp 80,443 0.0.0.0/0 any host.example in", "sekisho permanent")],
    ["nothing", tuple("")],
  ] as const)("is not ours with %s", ([, line]) => {
    expect(readRules(line, PORTS).own).toEqual([]);
  });

  test("is the administrator's where it is the same as ours would be, but for the comment", () => {
    const text = [
      tuple("deny tcp 80,443 0.0.0.0/0 any 198.51.100.7 in", "of the administrator"),
      tuple("deny tcp 22 0.0.0.0/0 any 198.51.100.8 in"),
    ].join("\n");
    expect(readRules(text, PORTS).foreign).toEqual(new Set(["198.51.100.7/32"]));
  });

  test.for([
    ["allow tcp 80 0.0.0.0/0 any 0.0.0.0/0 in", true],
    ["allow any any 0.0.0.0/0 any 0.0.0.0/0 in", true],
    ["limit tcp 400:500 0.0.0.0/0 any 0.0.0.0/0 in", true],
    ["allow_log tcp 80,443 0.0.0.0/0 any 0.0.0.0/0 WWW%20Full - in", true],
    ["allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in", false],
    ["allow udp 443 0.0.0.0/0 any 0.0.0.0/0 in", false],
    ["allow tcp 80 0.0.0.0/0 any 192.0.2.0/24 in", false],
    ["allow tcp 80 0.0.0.0/0 any 0.0.0.0/0 out", false],
    ["deny tcp 80 0.0.0.0/0 any 0.0.0.0/0 in", false],
  ] as const)("has no effect behind a rule that lets everybody in: %s", ([before, isBehind]) => {
    const ours = tuple("deny tcp 80,443 0.0.0.0/0 any 198.51.100.7 in", "sekisho permanent");
    expect(readRules(`${tuple(before)}\n${ours}`, PORTS).own).toMatchObject([{ isBehind }]);
    expect(readRules(`${ours}\n${tuple(before)}`, PORTS).own).toMatchObject([{ isBehind: false }]);
  });

  test("is whole only with its last line", () => {
    expect(isWhole("*filter\n### RULES ###\nCOMMIT\n")).toBe(true);
    expect(isWhole("*filter\n### RULES ###\n")).toBe(false);
  });

  test("is in the kernel as iptables prints it", () => {
    const printed = [
      "-N ufw-user-input",
      "-A ufw-user-input -s 198.51.100.7/32 -p tcp -m multiport --dports 80,443 -j DROP",
      "-A ufw-user-input -s 198.51.100.8/32 -p tcp -m tcp --dport 80 -j DROP",
      "-A ufw6-user-input -s 2001:db8::/64 -p tcp -m multiport --dports 80,443 -j DROP",
      "-A ufw-user-input -s 198.51.100.9/32 -j DROP",
      "-A ufw-user-input -p tcp -m tcp --dport 80 -j ACCEPT",
    ].join("\n");
    expect(readKernelRules(printed)).toEqual(
      new Set(["198.51.100.7/32 80,443", "198.51.100.8/32 80", "2001:db8::/64 80,443"]),
    );
  });
});

describe("who gets a rule", () => {
  const rule = (text: string, more: Partial<FoundRule> = {}): FoundRule => ({
    target: target(text),
    source: text,
    ports: PORTS,
    comment: "sekisho permanent",
    until: NEVER,
    isBehind: false,
    isLive: true,
    ...more,
  });
  const plan = (wanted: readonly (readonly [string, UnixMs])[], own: FoundRule[], options = {}) => {
    const { ruled, additions, removals } = planRules(
      new Map(wanted.map(([text, until]) => [target(text), until])),
      { own, foreign: new Set([target("192.0.2.77")]) },
      { ports: PORTS, limit: 2, batch: 20, takesIpv6: true, ...options },
    );
    const typed = (commands: typeof additions) => commands.map((command) => command.join(" "));
    return { ruled: [...ruled], additions: typed(additions), removals: typed(removals) };
  };
  const add = (text: string, comment = "sekisho permanent") =>
    `prepend deny proto tcp from ${text} to any port 80,443 comment ${comment}`;
  const remove = (text: string, ports = PORTS) => `delete deny proto tcp from ${text} to any port ${ports}`;
  const [soon, later] = [END, unixMs(END + 1_000_000)];

  test("first those whose bans last longest, as far as there is room", () => {
    const wanted = [
      ["192.0.2.1", soon],
      ["192.0.2.2", NEVER],
      ["192.0.2.3", later],
      ["192.0.2.4", NEVER],
    ] as const;
    expect(plan(wanted, [])).toMatchObject({
      ruled: ["192.0.2.2/32", "192.0.2.4/32"],
      additions: [add("192.0.2.2"), add("192.0.2.4")],
    });
  });

  test("bans before what lists ask for, which has none where there is a set", () => {
    const wanted = [
      ["192.0.2.1", NEVER],
      ["192.0.2.2", soon],
      ["192.0.2.3", NEVER],
    ] as const;
    const listed = new Set([target("192.0.2.1"), target("192.0.2.3")]);
    expect(plan(wanted, [], { listed }).ruled).toEqual(["192.0.2.2/32"]);
    expect(plan(wanted, [], { listed, batch: Infinity }).ruled).toEqual(["192.0.2.2/32", "192.0.2.1/32"]);
  });

  test("who has one keeps it, whoever comes, and what is not wanted goes", () => {
    const has = [rule("192.0.2.1", { comment: commentOf(soon), until: soon }), rule("192.0.2.9")];
    expect(
      plan(
        [
          ["192.0.2.1", soon],
          ["192.0.2.2", NEVER],
          ["192.0.2.3", NEVER],
        ],
        has,
      ),
    ).toEqual({
      ruled: ["192.0.2.1/32", "192.0.2.2/32"],
      additions: [add("192.0.2.2")],
      removals: [remove("192.0.2.9")],
    });
  });

  test("nobody more than a batch at once", () => {
    expect(
      plan(
        [
          ["192.0.2.1", NEVER],
          ["192.0.2.2", NEVER],
        ],
        [],
        { batch: 1 },
      ).ruled,
    ).toHaveLength(1);
  });

  test("fewer when the limit was lowered, and none when it is nought", () => {
    const has = [rule("192.0.2.1"), rule("192.0.2.2")];
    const wanted = [
      ["192.0.2.1", soon],
      ["192.0.2.2", later],
    ] as const;
    expect(plan(wanted, has, { limit: 1 })).toMatchObject({
      ruled: ["192.0.2.2/32"],
      removals: [remove("192.0.2.1")],
    });
    expect(plan(wanted, has, { limit: 0 })).toMatchObject({ ruled: [], additions: [] });
  });

  test("a ban that lasts longer now changes its comment, and keeps its place", () => {
    const has = [rule("192.0.2.1", { comment: commentOf(soon), until: soon })];
    expect(plan([["192.0.2.1", later]], has)).toMatchObject({
      additions: [`deny proto tcp from 192.0.2.1 to any port 80,443 comment ${commentOf(later)}`],
      removals: [],
    });
  });

  test.for([{ isBehind: true }, { isLive: false }])("a rule without effect comes anew: %o", (more) => {
    expect(plan([["192.0.2.1", NEVER]], [rule("192.0.2.1", more)])).toMatchObject({
      additions: [remove("192.0.2.1"), add("192.0.2.1")],
      removals: [],
    });
  });

  test("rules for other ports go when those for these ports have come", () => {
    expect(plan([["192.0.2.1", NEVER]], [rule("192.0.2.1", { ports: "8080" })])).toMatchObject({
      additions: [add("192.0.2.1")],
      removals: [remove("192.0.2.1", "8080")],
    });
  });

  test("nobody whom the administrator's own rule refuses, and nobody of IPv6 where ufw leaves that alone", () => {
    const wanted = [
      ["192.0.2.77", NEVER],
      ["2001:db8::/64", NEVER],
    ] as const;
    expect(plan(wanted, [], { takesIpv6: false })).toEqual({
      ruled: ["192.0.2.77/32"],
      additions: [],
      removals: [],
    });
  });
});
