import { describe, expect, test } from "vitest";
import { Sockets } from "../../src/evaluate/sockets.ts";
import type { LogEvent } from "../../src/model/event.ts";
import { errorEvent, opening, socketEnd } from "./events.ts";
import { ruleOf } from "./rules.ts";
import { CLIENT, fired, unended } from "./socket-rules.ts";

describe("how many one client has open", () => {
  const counted = (sockets: Sockets, ...events: LogEvent[]) => {
    sockets.follow([opening("198.51.100.99", -99), socketEnd("198.51.100.99", -99)]);
    sockets.follow(events);
    return events.flatMap((event) => (event.kind === "opening" ? [event.openSockets] : []));
  };

  test("each opening counts one more and each end one less, of its address or IPv6 /64 alone", () => {
    const lines = [
      opening(CLIENT, 0),
      opening("198.51.100.4", 1),
      opening(CLIENT, 2),
      socketEnd(CLIENT, 0),
      opening(CLIENT, 3),
      opening("2001:db8:5:6::1", 4),
      opening("2001:db8:5:6::2", 5),
      opening("2001:db8:5:7::1", 6),
    ];
    expect(counted(new Sockets(), ...lines)).toEqual([1, 1, 2, 2, 1, 2, 1]);
  });

  test("nothing is told of a log of whose sockets no end has been read: its access log may not be read at all", () => {
    const from = (source: number, seconds: number) => opening(CLIENT, seconds, { source });
    const lines = [from(2, 0), from(3, 1), from(2, 2), socketEnd(CLIENT, 1), from(3, 3), from(2, 4)];
    new Sockets().follow(lines);
    expect(lines.map((line) => (line.kind === "opening" ? line.openSockets : null))).toEqual([
      ...[undefined, undefined, undefined, null],
      ...[3, undefined],
    ]);
  });

  test("one whose end was read first is not open", () => {
    expect(counted(new Sockets(), socketEnd(CLIENT, 0), opening(CLIENT, 0), opening(CLIENT, 9))).toEqual([
      undefined,
      1,
    ]);
  });

  test("what Apache cut when it stopped is not open any more, nor is what was opened before and is read later", () => {
    const stopped = { ...errorEvent(null, 9, "AH00491"), module: "mpm_event" };
    const lines = [opening(CLIENT, 0), opening(CLIENT, 1), stopped, opening(CLIENT, 8), opening(CLIENT, 10)];
    expect(counted(new Sockets(), ...lines)).toEqual([1, 2, undefined, 1]);
    const reload = { ...errorEvent(null, 9, "AH00493"), module: "mpm_event" };
    const started = { ...errorEvent(null, 10, "AH00489"), module: "mpm_event" };
    expect(counted(new Sockets(), opening(CLIENT, 0), reload, started, opening(CLIENT, 11))).toEqual([1, 2]);
  });

  test("what was given up is not counted", () => {
    const many = [0, 1, 2, 3, 4].map((second) => opening(CLIENT, second));
    expect(counted(new Sockets([], 1, 3), ...many)).toEqual([1, 2, 3, 4, 4]);
  });

  test("what a restart finds no room for is not counted", () => {
    const many = [0, 1, 2, 3].flatMap((second) =>
      unended(new Sockets([], second + 1).follow([opening(CLIENT, second)])[0]),
    );
    expect(counted(new Sockets(many, 5, 3), opening(CLIENT, 9))).toEqual([3]);
  });

  test("a restart goes on with those that were open, and not with those that were lost", () => {
    const [one] = new Sockets().follow([opening(CLIENT, 0)]);
    const [two] = new Sockets([], 2).follow([opening(CLIENT, 1)]);
    const [lost] = new Sockets([], 3).follow([opening(CLIENT, 2)]);
    const after = new Sockets([...unended(one), ...unended(two), ...unended(lost, false)], 4);
    expect(counted(after, opening(CLIENT, 5), socketEnd(CLIENT, 2), opening(CLIENT, 6))).toEqual([3, 4]);
    expect(counted(after, socketEnd(CLIENT, 0), socketEnd(CLIENT, 1), opening(CLIENT, 7))).toEqual([3]);
  });

  test("a rule that asks for it judges the opening", () => {
    const three = ruleOf("open", {
      match: { handshake: true, openSockets: { atLeast: 3 } },
      bucket: { kind: "trigger" },
    });
    const known = [opening("198.51.100.99", -99), socketEnd("198.51.100.99", -99)];
    const lines = [0, 1, 2].map((second) => opening(CLIENT, second));
    expect(fired([three], known, lines, [socketEnd(CLIENT, 0)], [opening(CLIENT, 9)])).toEqual([
      `open ${CLIENT} opens at 2`,
    ]);
  });
});
