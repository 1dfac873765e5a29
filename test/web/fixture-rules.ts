import type { NearMissItem, RuleStatus } from "../../src/model/rule-status.ts";

const ago = (seconds: number): string => new Date(Date.now() - seconds * 1_000).toISOString();
const near = (subject: string, count: number, of: number, seconds: number): NearMissItem => ({
  subject,
  count,
  of,
  at: ago(seconds),
});

const SITE = "/etc/sekisho/rules.d";

const rule = (
  fields: Pick<RuleStatus, "id" | "title" | "detects"> & Partial<Omit<RuleStatus, "change">>,
  changes: readonly string[] = [],
): RuleStatus => ({
  mode: "enforce",
  severity: "medium",
  events: "access",
  subject: "address",
  firesAt: "10 in 5m",
  needed: 10,
  cooldown: "5m",
  ban: "default",
  why: "People stop after one or two refusals. Tools that look for a way in do not.",
  falsePositives: [],
  references: ["CWE-425"],
  tags: ["probing"],
  lastDay: { findings: 0, bans: 0 },
  nearMisses: [],
  change: {
    file: `/usr/share/sekisho/rules/${fields.id}.yaml`,
    changes,
    changedBy: `${SITE}/${fields.id}.yaml`,
    example: [
      "bucket: { count: 20 }                # 10 now",
      "mode: observe                        # it bans nobody; off: it does not run",
      "except: { client: [192.0.2.0/24] }   # not these",
    ],
  },
  ...fields,
});

/** Some that found something, one that the site changed, one of its own that is hostile, one that is off, and calm ones. */
export const rules = (): RuleStatus[] => [
  rule({
    id: "apache-forbidden",
    title: { en: "Requests that Apache forbids, again and again", ja: "403 の繰り返し" },
    severity: "high",
    detects: "A client that Apache refuses again and again.",
    falsePositives: [
      "A page of yours that links to files its readers may not see.",
      "An application that answers 403 to an expired session and whose page asks on by itself.",
    ],
    references: ["CWE-425", "ATT&CK T1595.003"],
    lastDay: { findings: 41, bans: 12 },
    nearMisses: [near("198.51.100.77", 9, 10, 420), near("2001:db8:77:1::/64", 6, 10, 9_000)],
  }),
  rule({
    id: "auth-repeated",
    title: { en: "Repeated failed sign-ins", ja: "ログイン失敗の繰り返し" },
    detects: "A client whose sign-ins fail again and again.",
    tags: ["brute-force", "authentication"],
    lastDay: { findings: 3, bans: 3 },
    nearMisses: [
      near("192.0.2.14", 12, 12, 1_200),
      near("192.0.2.15 user=\u202eadmin<img src=x onerror=alert(1)>", 7, 12, 3_000),
      near("user=root", 6, 12, 30_000),
    ],
  }),
  rule({
    id: "bad-bots",
    title: { en: "Unwanted crawlers", ja: "迷惑なクローラー" },
    severity: "low",
    mode: "off",
    detects: "A client that says it is a crawler that takes much and gives nothing.",
    firesAt: "the first",
    needed: null,
    tags: ["crawling"],
  }),
  rule(
    {
      id: "request-rate",
      title: { en: "Too many requests", ja: "過剰なリクエスト" },
      mode: "observe",
      severity: "critical",
      detects: "A client that asks for more than anybody reads.",
      firesAt: "more than 200 beyond 10 in 1s",
      needed: null,
      tags: ["flood"],
    },
    ["bucket.capacity 200, was 100", "mode observe"],
  ),
  {
    ...rule({
      id: "a-rule-of-our-own-whose-name-goes-on-and-on-until-no-column-can-hold-it",
      title: { en: "<script>alert(1)</script> \u202egnol oot eltit a", ja: "<b>長い</b>" },
      severity: "info",
      ban: "none",
      detects: `What nobody else sees. ${"unbroken".repeat(30)}`,
      references: [],
      tags: ["own"],
    }),
    change: {
      file: `${SITE}/a-rule-of-our-own-whose-name-goes-on-and-on-until-no-column-can-hold-it.yaml`,
      changes: [],
      changedBy: null,
      example: [],
    },
  },
  ...Array.from({ length: 16 }, (_, at) =>
    rule({
      id: `calm-${String(at).padStart(2, "0")}`,
      title: { en: `Calm rule ${at}`, ja: "静か" },
      detects: "Something that did not happen within a day.",
      tags: ["websocket", "origin"],
    }),
  ),
];
