import { chmodSync, chownSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { accessHint, type Discovery, discoverLogs } from "../../src/config/discover.ts";
import { missing } from "../requirements.ts";
import { asNobody } from "./as-nobody.ts";
import { folderWith } from "./temporary-folder.ts";

const MODULE = join(import.meta.dirname, "../../src/config/discover.ts");
const discoverAsNobody = (root: string) =>
  asNobody(MODULE, "discoverLogs", `return discoverLogs(${JSON.stringify(root)})`) as Discovery;

describe("Apache's logs", () => {
  test("are found where Debian puts them, vhosts' and all", () => {
    const root = folderWith({
      "var/log/apache2/access.log": "",
      "var/log/apache2/other_vhosts_access.log": "",
      "var/log/apache2/error.log": "",
      "var/log/apache2/access.log.1": "",
    });
    expect(discoverLogs(root)).toEqual({
      logs: [
        { path: join(root, "var/log/apache2/*access.log"), kind: "access", format: "auto" },
        { path: join(root, "var/log/apache2/*error.log"), kind: "error", format: "auto" },
      ],
      unreadable: [],
    });
  });

  test("are found where RHEL puts them", () => {
    const root = folderWith({ "var/log/httpd/ssl_access_log": "", "var/log/httpd/error_log": "" });
    expect(discoverLogs(root).logs.map(({ path, kind }) => [path.slice(root.length + 1), kind])).toEqual([
      ["var/log/httpd/*access_log", "access"],
      ["var/log/httpd/*error_log", "error"],
    ]);
  });

  test("are the one that Sekisho proposed where it is there, as it holds every request too", () => {
    const root = folderWith({
      "var/log/apache2/access.log": "",
      "var/log/apache2/other_vhosts_access.log": "",
      "var/log/apache2/sekisho.log": "",
      "var/log/apache2/error.log": "",
    });
    expect(discoverLogs(root).logs.map(({ path }) => path.slice(root.length + 1))).toEqual([
      "var/log/apache2/sekisho.log",
      "var/log/apache2/*error.log",
    ]);
  });

  test("are found where Plesk and Virtualmin put those of their vhosts, without what nginx writes beside them", () => {
    const root = folderWith({
      "var/log/apache2/other_vhosts_access.log": "",
      "var/www/vhosts/system/a.example/logs/access_log": "",
      "var/www/vhosts/system/b.example/logs/access_ssl_log": "",
      "var/www/vhosts/system/b.example/logs/error_log": "",
      "var/www/vhosts/system/c.example/logs/proxy_access_log": "",
      "var/www/vhosts/system/c.example/logs/access_log.processed": "",
      "var/log/virtualmin/d.example_access_log": "",
    });
    expect(discoverLogs(root).logs.map(({ path, kind }) => [path.slice(root.length + 1), kind])).toEqual([
      ["var/log/apache2/*access.log", "access"],
      ["var/www/vhosts/system/*/logs/access*_log", "access"],
      ["var/www/vhosts/system/*/logs/error_log", "error"],
      ["var/log/virtualmin/*_access_log", "access"],
    ]);
  });

  test("of vhosts are left to the one that Sekisho proposed, too", () => {
    const root = folderWith({
      "var/log/apache2/sekisho.log": "",
      "var/www/vhosts/system/a.example/logs/access_log": "",
      "var/www/vhosts/system/a.example/logs/error_log": "",
    });
    expect(discoverLogs(root).logs.map(({ path }) => path.slice(root.length + 1))).toEqual([
      "var/log/apache2/sekisho.log",
      "var/www/vhosts/system/*/logs/error_log",
    ]);
  });

  test("that are not there are nothing", () => {
    expect(discoverLogs(folderWith())).toEqual({ logs: [], unreadable: [] });
    const root = folderWith({ "var/log/apache2/access.log.2.gz": "" });
    expect(discoverLogs(root)).toEqual({ logs: [], unreadable: [] });
  });

  test("that this user may not read are named with a hint, and the others are found", () => {
    const root = folderWith({ "var/log/apache2/access.log": "", "var/log/apache2/error.log": "" });
    chmodSync(join(root, "var/log/apache2/error.log"), 0);
    const { logs, unreadable } = discoverAsNobody(root);
    expect(logs.map(({ kind }) => kind)).toEqual(["access"]);
    expect(unreadable.map(({ path }) => path)).toEqual([join(root, "var/log/apache2/error.log")]);
  });

  test("in a closed folder are reported as that folder", () => {
    const root = folderWith({ "var/log/apache2/access.log": "" });
    const folder = join(root, "var/log/apache2");
    chmodSync(folder, 0);
    expect(discoverAsNobody(root)).toEqual({
      logs: [],
      unreadable: [{ path: folder, hint: expect.any(String) }],
    });
  });
});

describe("the hint on access", () => {
  test.skipIf(missing("root"))("a folder that a group may read names the group", () => {
    const folder = folderWith();
    const group = readFileSync("/etc/group", "utf8").match(/^(adm|users):[^:]*:(\d+):/m)!;
    chownSync(folder, 0, Number(group[2]));
    expect(accessHint(folder)).toContain(`usermod -aG ${group[1]} `);
  });

  test("without a group that may read, an ACL is the way", () => {
    const folder = folderWith();
    mkdirSync(join(folder, "logs"), { mode: 0o700 });
    expect(accessHint(join(folder, "logs"))).toContain("setfacl");
  });
});
