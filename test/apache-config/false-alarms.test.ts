import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { bypassesOf } from "../../src/apache-config/bypasses.ts";
import { findApache } from "../../src/apache-config/layout.ts";
import { readApacheConfig } from "../../src/apache-config/reader.ts";
import { serversOf } from "../../src/apache-config/servers.ts";
import { snippetSections } from "../../src/apache-config/snippet.ts";
import { voidAccessOf } from "../../src/apache-config/void-access.ts";
import { apacheSnippet } from "../../src/enforce/apache/snippet.ts";
import { missing } from "../requirements.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { TREES } from "./trees.ts";

const SNIPPET = apacheSnippet({
  directory: "/run/sekisho/banned",
  includeFile: "/var/lib/sekisho/apache/blocklist.conf",
  logFormat: "%a",
  tlsLogFormat: "%a",
  openingMessage: "m",
});

test.skipIf(missing("apache2")).each(Object.entries(TREES))(
  "with the snippet nothing is found in %s that lets in who is banned, or has no effect",
  (_name, tree) => {
    using folder = temporaryFolder();
    cpSync("/etc/apache2", join(folder.path, "etc/apache2"), { recursive: true, verbatimSymlinks: true });
    const own = tree.start.includes("/etc/httpd") ? "/etc/httpd/conf.d" : "/etc/apache2/conf-enabled";
    for (const [path, text] of Object.entries({ ...tree.files, [`${own}/sekisho.conf`]: SNIPPET })) {
      const file = join(folder.path, path);
      rmSync(file, { recursive: true, force: true });
      if (text === null) continue;
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    const config = readApacheConfig(findApache(folder.path, null)!);
    expect(snippetSections(config)).not.toMatchObject({ directory: null });
    expect([...bypassesOf(config, serversOf(config)), ...voidAccessOf(config)]).toEqual([]);
  },
);
