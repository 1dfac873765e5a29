import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { findApache } from "../../../src/apache-config/layout.ts";
import { readApacheConfig } from "../../../src/apache-config/reader.ts";
import { voidAccessOf } from "../../../src/apache-config/void-access.ts";
import { startApache } from "../../apache.ts";
import { missing } from "../../requirements.ts";

/** Whom the restrictions of the cases name, and whom they do not. */
const NAMED = "198.51.100.7";
const OTHER = "203.0.113.7";

const closed = "<Location AT/ws/>\nRequire ip 198.51.100.7\n</Location>";
const granted = (path: string) => `<Location ${path}>\nRequire all granted\n</Location>`;

/** `AT` is a path of the case's own. Asked is AT/ws/. */
const REPLACED: readonly (readonly [name: string, text: string])[] = [
  ["a restriction that a later, wider <Location> replaces", `${closed}\n${granted("AT/")}`],
  ["the same without a slash at its end", `${closed}\n${granted("AT")}`],
  ["a restriction that the same <Location> replaces", `${closed}\n${granted("AT/ws/")}`],
  ["the two in the right order", `${granted("AT/")}\n${closed}`],
  ["a later <Location> for another place", `${closed}\n${granted("AT/w")}`],
  [
    "a later <Location> that is joined by And",
    `${closed}\n<Location AT/>\nAuthMerging And\nRequire all granted\n</Location>`,
  ],
  [
    "a later <Location> that says nothing of access",
    `${closed}\n<Location AT/>\nHeader set X-A b\n</Location>`,
  ],
  ["a restriction that is replaced and said once more", `${closed}\n${granted("AT/")}\n${closed}`],
  [
    "one that is said once more by a pattern",
    `${closed}\n${granted("AT/")}\n<LocationMatch ^AT/ws>\nRequire ip 198.51.100.7\n</LocationMatch>`,
  ],
  [
    "Require all granted beside Require ip",
    "<Location AT/>\nRequire ip 198.51.100.7\nRequire all granted\n</Location>",
  ],
  [
    "the same in <RequireAny>",
    "<Location AT/>\n<RequireAny>\nRequire ip 198.51.100.7\nRequire all granted\n</RequireAny>\n</Location>",
  ],
  [
    "the same in <RequireAll>",
    "<Location AT/>\n<RequireAll>\nRequire ip 198.51.100.7\nRequire all granted\n</RequireAll>\n</Location>",
  ],
  ["two addresses", "<Location AT/>\nRequire ip 198.51.100.7\nRequire ip 198.51.100.9\n</Location>"],
];
const BY_CONDITION = [
  "one that is said once more by a condition",
  `${closed}\n${granted("AT/")}\n<If "%{REQUEST_URI} =~ m#^AT/ws#">\nRequire ip 198.51.100.7\n</If>`,
] as const;
/** The line does nothing, so it would be the same without it. */
const IDLE: readonly (readonly [name: string, text: string, found: boolean])[] = [
  [
    "Require all denied beside Require ip",
    "<Location AT/>\nRequire all denied\nRequire ip 198.51.100.7\n</Location>",
    true,
  ],
  [
    "the same in <RequireAny>",
    "<Location AT/>\n<RequireAny>\nRequire ip 198.51.100.7\nRequire all denied\n</RequireAny>\n</Location>",
    true,
  ],
  [
    "the same in <RequireAll>",
    "<Location AT/>\n<RequireAll>\nRequire ip 198.51.100.7\nRequire all denied\n</RequireAll>\n</Location>",
    false,
  ],
  ["Require all denied alone", "<Location AT/>\nRequire all denied\n</Location>", false],
];

type Case = readonly [name: string, text: string, isIdle?: boolean];

/** Each case with how many findings there are, and how many there should be. */
async function compared(cases: readonly Case[]) {
  await using apache = await startApache({
    config(root) {
      for (const [at, [, text]] of cases.entries()) {
        mkdirSync(join(root, "site", `case-${at}/ws`), { recursive: true });
        writeFileSync(join(root, "site", `case-${at}/ws/index.html`), "x");
        writeFileSync(join(root, `case-${at}.conf`), text.replaceAll("AT", `/case-${at}`));
      }
      return "";
    },
    site: cases.map((_, at) => `Include case-${at}.conf`).join("\n"),
  });
  const problems = voidAccessOf(readApacheConfig(findApache("/", join(apache.root, "apache.conf"))!));
  const ofCase = (at: number) => problems.filter(({ place }) => basename(place!.file) === `case-${at}.conf`);
  const status = async (from: string, at: number) =>
    (await apache.request({ from, path: `/case-${at}/ws/` })).status;
  const found = cases.map(([name], at) => [name, ofCase(at).length]);
  const real: [string, number][] = [];
  for (const [at, [name, , isIdle]] of cases.entries()) {
    const [named, other] = [await status(NAMED, at), await status(OTHER, at)];
    if (isIdle !== undefined) expect([named, other], name).toEqual([isIdle ? 200 : 403, 403]);
    real.push([name, isIdle || other === 200 ? 1 : 0]);
  }
  return { found, real };
}

describe.skipIf(missing("root", "apache2", "netns"))("restrictions of a site that have no effect", () => {
  test("are found exactly where a real Apache does not restrict", async () => {
    const { found, real } = await compared([...REPLACED, ...IDLE]);
    expect(found).toEqual(real);
    expect(real.filter(([, is]) => is === 1)).toHaveLength(7);
  });

  test("are not found where a condition closes the place once more", async () => {
    const { found, real } = await compared([BY_CONDITION]);
    expect([found, real]).toEqual([real, [[BY_CONDITION[0], 0]]]);
  });
});
