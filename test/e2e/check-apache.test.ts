import { describe, expect, test } from "vitest";
import { apacheSnippet } from "../../src/enforce/apache/snippet.ts";
import { SEKISHO_LOG_FORMAT } from "../../src/parse/named-formats.ts";
import { OPENING_MESSAGE } from "../../src/parse/opening.ts";
import { Machine } from "../machine.ts";
import { missing } from "../requirements.ts";
import { SEKISHO } from "./command-line.ts";

const DIRECTORY = "/run/sekisho/banned";
const LIST = "/var/lib/sekisho-apache/blocklist.conf";
const SNIPPET = apacheSnippet({
  directory: DIRECTORY,
  includeFile: LIST,
  logFormat: SEKISHO_LOG_FORMAT,
  tlsLogFormat: SEKISHO_LOG_FORMAT,
  openingMessage: OPENING_MESSAGE,
});
const CONFIG = {
  "/etc/sekisho/sekisho.yaml": "logs: []\nenforcers: { apache-directory: {}, apache-include: {} }\n",
};

const warningsOf = (machine: Machine): string[] => {
  const { stdout } = machine.run(SEKISHO, "check", "--json");
  const { warnings } = JSON.parse(stdout) as { readonly warnings: readonly { readonly message: string }[] };
  return warnings.map(({ message }) => message).filter((message) => !message.includes("connections"));
};

describe.skipIf(missing("root", "apache2", "netns"))("check, of Apache's configuration,", () => {
  test("tells where Apache has no snippet, and where its main file is not there", async () => {
    await using machine = await Machine.start(CONFIG);
    expect(warningsOf(machine)).toEqual([
      `Apache's configuration does not look at the ban directory ${DIRECTORY}: it blocks nobody`,
      `Apache's configuration does not look at the list ${LIST}: it blocks nobody`,
    ]);
    const { exitStatus, stderr } = machine.run(SEKISHO, "check", "--apache-config", "/nowhere/httpd.conf");
    expect(exitStatus).toBe(3);
    expect(stderr).toContain("/nowhere/httpd.conf: there is no such file");
    const list = `apache-include: { file: ${LIST} }`;
    machine.write({
      "/etc/sekisho/sekisho.yaml": `{ logs: [], enforcers: { apache-directory: { directory: /tmp/banned }, ${list} } }`,
      "/etc/apache2/conf-enabled/sekisho.conf": SNIPPET.replaceAll(DIRECTORY, "/tmp/banned"),
    });
    expect(warningsOf(machine)).toEqual([
      expect.stringContaining("Apache does not see /tmp/banned where systemd gives it a /tmp of its own"),
    ]);
  });

  test("tells who beside root may write the list that Apache includes, and so what Apache loads", async () => {
    const list = "/var/lib/sekisho/apache/blocklist.conf";
    await using machine = await Machine.start({
      "/etc/sekisho/sekisho.yaml": `{ logs: [], enforcers: { apache-include: { file: ${list} } } }`,
      "/etc/apache2/conf-enabled/sekisho.conf": SNIPPET.replace(LIST, list),
    });
    machine.run("sh", "-c", `mkdir -p /var/lib/sekisho/apache && touch ${list}`);
    const told = () => warningsOf(machine).filter((message) => message.includes("load a program as root"));
    expect(told()).toEqual([]);
    machine.run("chown", "daemon", "/var/lib/sekisho");
    expect(told()).toEqual([
      expect.stringMatching(
        /Apache includes .* and the user with the number 1 may write \/var\/lib\/sekisho:/,
      ),
    ]);
    machine.run("chown", "root", "/var/lib/sekisho");
    machine.run("chmod", "g+w", list);
    expect(told()).toEqual([expect.stringContaining(`others may write ${list}:`)]);
  });

  test("names file and line of what undoes restrictions, and tells what to write", async () => {
    const site = `<VirtualHost *:80>
  ServerName chat.example
  <Location /ws/>
    Require all denied
    Require ip 192.0.2.0/24
  </Location>
  <Location />
    Require all granted
  </Location>
  <If "%{REQUEST_URI} =~ m#^/health#">
    Require all granted
  </If>
</VirtualHost>
`;
    const path = "/etc/apache2/sites-enabled/chat.conf";
    await using machine = await Machine.start({
      ...CONFIG,
      "/etc/apache2/conf-enabled/sekisho.conf": SNIPPET.replaceAll(DIRECTORY, "/srv/banned"),
      [path]: site,
    });
    expect(warningsOf(machine)).toEqual([
      expect.stringMatching(
        /sekisho\.conf:\d+: Apache looks at \/srv\/banned, and the ban directory is \/run/,
      ),
      expect.stringContaining(`${path}:10: <if %{REQUEST_URI} =~ m#^/health#> has a Require of its own`),
      `${path}:4: Require all denied does nothing here: of several Require lines one is enough`,
      expect.stringContaining(`${path}:7: <Location /> lets everybody in`),
    ]);
    const { exitStatus, stdout } = machine.run(SEKISHO, "check");
    expect([exitStatus, stdout]).toEqual([
      0,
      expect.stringContaining("   hint: write AuthMerging And into it"),
    ]);
  });
});
