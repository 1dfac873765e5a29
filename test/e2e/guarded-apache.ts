import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { apacheSnippet } from "../../src/enforce/apache/snippet.ts";
import { SEKISHO_LOG_FORMAT, SEKISHO_TLS_LOG_FORMAT } from "../../src/parse/named-formats.ts";
import { OPENING_MESSAGE } from "../../src/parse/opening.ts";
import { type Apache, startApache } from "../apache.ts";
import { DaemonUnderTest } from "./daemon.ts";

/** An Apache with the lines that `sekisho apache snippet` prints; `site` stands in the vhost. */
export const guardedApache = (site = "") =>
  startApache({
    site,
    config: (root) =>
      apacheSnippet({
        directory: `${root}/banned`,
        includeFile: `${root}/blocklist.conf`,
        logFormat: SEKISHO_LOG_FORMAT,
        tlsLogFormat: SEKISHO_TLS_LOG_FORMAT,
        openingMessage: OPENING_MESSAGE,
      }),
  });

/** One of Apache's two access logs is read: both hold every request, and each would be counted twice. */
export function daemonBeside(
  apache: Apache,
  log = apache.accessLog,
  /** What runs every program of Sekisho's, with less power for example. */
  runner: readonly string[] = [],
  /** Further lines. Without these a request of a test's that is under way when its client is banned would be cut (cut.test.ts), and requests as proof be counted. */
  more = "cut: { enabled: false }\nprobe: { enabled: false }",
): DaemonUnderTest {
  const folder = join(apache.root, "sekisho");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(apache.root, "audit.jsonl"), "");
  return new DaemonUnderTest(
    folder,
    `mode: enforce
logs:
  - path: ${log}
  - { path: ${apache.errorLog}, kind: error }
  - { path: ${apache.root}/audit.jsonl, kind: audit }
origins: ["https://site.example"]
enforcers:
  apache-directory: { directory: ${apache.root}/banned }
  apache-include: { file: ${apache.root}/blocklist.conf, control: ${apache.control} }
${more}
`,
    (command, args, options) => {
      const [program, ...all] = [...runner, command, ...args] as [string, ...string[]];
      return apache.inNamespace(program, all, options);
    },
  );
}

export const statusOf = async (apache: Apache, from: string, path = "/"): Promise<number> =>
  (await apache.request({ from, path })).status;
export const refused = (apache: Apache, from: string) =>
  expect.poll(() => statusOf(apache, from), { interval: 50 }).toBe(403);
