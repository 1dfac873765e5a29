import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { runs } from "../property.ts";
import { init, load, site } from "./init-site.ts";

test("whatever Apache's configuration says, init ends, and what it makes is a configuration", async () => {
  const directive = fc.constantFrom(
    ...[
      "CustomLog",
      "ErrorLog",
      "LogFormat",
      "ServerName",
      "ServerAlias",
      "ProxyPass",
      "RewriteRule",
      "Define",
      "Use",
    ],
    ...[
      "<VirtualHost",
      "</VirtualHost>",
      "<Macro",
      "</Macro>",
      "<IfModule",
      "</IfModule>",
      "<Location",
      "Include",
    ],
    ...[
      "RemoteIPInternalProxy",
      "RemoteIPHeader",
      "TransferLog",
      "GlobalLog",
      "ErrorLogFormat",
      "ServerRoot",
    ],
  );
  const word = fc.oneof(
    fc.constantFrom(
      "*:443>",
      "combined",
      '"%h %t %>s"',
      "%t %a %>s",
      "ws://x/",
      "https://a.example",
      "|rotatelogs /l/%Y 1M",
    ),
    fc.constantFrom(
      `\${V}`,
      "V",
      "$x",
      "\\",
      '"',
      "*.example",
      "..",
      "/l/a*",
      "upgrade=websocket",
      "[P]",
      "- x: y",
      "#",
      "'",
    ),
    fc.string({ unit: "binary", maxLength: 12 }),
  );
  const line = fc
    .tuple(directive, fc.array(word, { maxLength: 4 }))
    .map(([name, words]) => `${name} ${words.join(" ")}`);
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 30 }), async (lines) => {
      const cwd = site(`CustomLog /var/log/apache2/access.log "%h %t %>s"\n${lines.join("\n")}`);
      const { status, stdout } = await init(cwd, "--write", "made.yaml", "--json");
      if (status === 1) return;
      expect([status, JSON.parse(stdout).configuration.written]).toEqual([0, true]);
      load(cwd, join(cwd, "made.yaml"));
    }),
    { numRuns: runs(100) },
  );
});
