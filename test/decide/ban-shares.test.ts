import { describe, expect, test } from "vitest";
import { BanShares } from "../../src/decide/ban-shares.ts";
import { Ledger } from "../../src/decide/ledger.ts";
import { Policy } from "../../src/decide/policy.ts";
import { Protected } from "../../src/decide/protected.ts";
import type { AuditReport, AuditTrust, TrustOf } from "../../src/model/audit.ts";
import { type DurationMs, NEVER, parseDuration, type UnixMs } from "../../src/model/time.ts";
import { at } from "../evaluate/events.ts";
import { finding } from "../evaluate/findings.ts";

const lengths = {
  ban: parseDuration("1h") as DurationMs,
  factor: 1,
  max: parseDuration("1h") as DurationMs,
  memory: parseDuration("30d") as DurationMs,
};
const CHAT = 3;
const SECOND_FILE = 4;
const DAY = 86_400;
const chat: AuditTrust = {
  name: "chat",
  mayBan: ["ws.rate_exceeded", "app.*"],
  maxBanShare: 0.5,
  bansAlways: 2,
};

/** Two files of one app. */
const trusting =
  (trust: AuditTrust): TrustOf =>
  (source) =>
    source === CHAT || source === SECOND_FILE ? trust : null;

/** Findings on one address after another. */
function scene(trust: AuditTrust = chat, shares = new BanShares(trusting(trust))) {
  const ledger = new Ledger(lengths.memory, () => true);
  const trustOf = trusting(trust);
  const policy = new Policy(lengths, ledger, Protected.nobody, trustOf, shares);
  let next = 0;
  return (seconds: number, report: AuditReport | null, now: UnixMs = NEVER): string => {
    next++;
    const subject = `10.0.${next >> 8}.${next & 255}`;
    const [judgement] = policy.decide([finding(subject, seconds, { report })], now);
    return judgement!.kind === "spared" ? judgement!.why : judgement!.kind;
  };
}
const byChat: AuditReport = { source: CHAT, name: "ws.rate_exceeded" };
const LIMIT_OF_2 = "source chat has caused 2 bans in a day, as many as it may";

describe("what a source may ban for", () => {
  test.each([
    ["ws.rate_exceeded", "ban"],
    ["app.anything", "ban"],
    ["input.rejected", "source chat may not ban for input.rejected"],
  ] as const)("%s: %s", (name, what) => {
    expect(scene()(0, { source: CHAT, name })).toBe(what);
  });

  test("one own event does not stand for the others", () => {
    const judge = scene({ ...chat, mayBan: ["app.fraud"] });
    expect(judge(0, { source: CHAT, name: "app.fraud" })).toBe("ban");
    expect(judge(1, { source: CHAT, name: "app.frauds" })).toMatch(/may not ban/);
  });
});

describe("the share of bans", () => {
  test("spares beyond the number that is always allowed, while there are few others", () => {
    const judge = scene();
    expect([0, 1, 2, 3].map((seconds) => judge(seconds, byChat))).toEqual([
      "ban",
      "ban",
      LIMIT_OF_2,
      LIMIT_OF_2,
    ]);
    expect(judge(4, null)).toBe("ban");
    expect(judge(5, { source: 8, name: "ws.open" })).toBe("ban");
  });

  test("grows with what Apache's own logs ban, and never passes its part", () => {
    const judge = scene();
    let bans = 0;
    for (let second = 0; second < 400; second++) {
      if (second % 2 === 0) judge(second, null);
      for (let times = 0; times < 3; times++) if (judge(second, byChat) === "ban") bans++;
    }
    expect(bans).toBe(200);
  });

  test("is of the last day", () => {
    const judge = scene();
    for (const second of [0, 1]) judge(second, byChat);
    expect(judge(DAY, byChat)).toBe("ban");
    expect(judge(DAY, byChat)).toBe(LIMIT_OF_2);
    expect(judge(DAY + 1, byChat)).toBe("ban");
  });

  test("is not passed by events that an app dates back", () => {
    const judge = scene();
    judge(40 * DAY, null);
    expect([1, 2, 3, 4].map((day) => judge(day * DAY, byChat))).toEqual([
      "ban",
      "ban",
      LIMIT_OF_2,
      LIMIT_OF_2,
    ]);
    expect(judge(40 * DAY + 5, byChat)).toBe(LIMIT_OF_2);
  });

  test("is not passed by events that an app dates ahead", () => {
    const judge = scene();
    const now = at(100);
    expect([0, 30 * DAY, 60 * DAY, 50].map((seconds) => judge(seconds, byChat, now))).toEqual([
      "ban",
      "ban",
      LIMIT_OF_2,
      LIMIT_OF_2,
    ]);
  });

  test("is one for all files of a source, also of bans from before a restart", () => {
    const shares = new BanShares(trusting(chat));
    shares.load([{ decidedAt: at(0), reportedBy: SECOND_FILE }]);
    const judge = scene(chat, shares);
    expect([1, 2].map((second) => judge(second, byChat, at(second)))).toEqual(["ban", LIMIT_OF_2]);
    expect(judge(3, { ...byChat, source: SECOND_FILE }, at(3))).toBe(LIMIT_OF_2);
  });

  test("may be all: then nothing is spared", () => {
    const judge = scene({ ...chat, maxBanShare: 1, bansAlways: 0 });
    for (let second = 0; second < 100; second++) expect(judge(second, byChat)).toBe("ban");
  });

  test("may be nothing", () => {
    expect(scene({ ...chat, maxBanShare: 0, bansAlways: 0 })(0, byChat)).toMatch(/has caused 0 bans/);
  });

  test("is not passed by events that an app dates back, where nothing else bans", () => {
    const judge = scene();
    const now = at(40 * DAY);
    expect([1, 2, 3, 4].map((day) => judge(day * DAY, byChat, now))).toEqual([
      "ban",
      "ban",
      LIMIT_OF_2,
      LIMIT_OF_2,
    ]);
    expect(judge(39 * DAY, byChat, at(41 * DAY))).toBe("ban");
  });

  test("is known again after a restart", () => {
    const shares = new BanShares(trusting(chat));
    shares.load([
      { decidedAt: at(0), reportedBy: CHAT },
      { decidedAt: at(1), reportedBy: CHAT },
    ]);
    expect(shares.usage(chat, at(2), at(2))).toEqual({ bans: 2, limit: 2 });
    expect(scene(chat, shares)(2, byChat, at(2))).toBe(LIMIT_OF_2);
  });

  test("is right again once a clock that was wrong has been set back", () => {
    const judge = scene();
    expect([judge(0, byChat, at(900 * DAY)), judge(0, byChat, at(900 * DAY))]).toEqual(["ban", "ban"]);
    expect([1, 2, 3].map((now) => judge(now, byChat, at(now)))).toEqual(["ban", "ban", LIMIT_OF_2]);
  });

  test("forgets what is older than a day, however many there were", () => {
    const shares = new BanShares(trusting(chat));
    for (let n = 0; n < 10_000; n++) shares.record(CHAT, at(0), at(n * 60));
    const now = at(9_999 * 60);
    expect(shares.usage(chat, now, now)).toEqual({ bans: 1_440, limit: 720 });
  });
});
