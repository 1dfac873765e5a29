import { execFileSync } from "node:child_process";
import { chmodSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { findApache } from "../../src/apache-config/layout.ts";
import { type ReadConfig, readApacheConfig } from "../../src/apache-config/reader.ts";
import { asNobody } from "../config/as-nobody.ts";
import { folderWith } from "../config/temporary-folder.ts";

const MAIN = "etc/apache2/apache2.conf";

function read(
  config: string,
  files: Readonly<Record<string, string>> = {},
): ReadConfig & { readonly root: string } {
  const root = folderWith({ [MAIN]: config, ...files });
  return { ...readApacheConfig(findApache(root, null)!), root };
}

const said = ({ problems, root }: ReturnType<typeof read>): string[] =>
  problems.map(({ place, message }) => `${place?.line}: ${message.replaceAll(root, "")}`);
const names = ({ directives }: ReadConfig): string[] => directives.map(({ words }) => words.join(" "));

describe("what cannot be followed is told, and the rest is read", () => {
  test("files that include themselves", () => {
    const found = read("Include a.conf\nX end", {
      "etc/apache2/a.conf": "X a\nInclude b.conf",
      "etc/apache2/b.conf": "X b\nInclude a.conf",
    });
    expect(names(found)).toEqual(["a", "b", "end"]);
    expect(said(found)).toEqual(["2: /etc/apache2/a.conf includes itself"]);
  });

  test("a chain of files without end", () => {
    const files = Object.fromEntries(
      Array.from({ length: 200 }, (_, at) => [`etc/apache2/${at}.conf`, `X ${at}\nInclude ${at + 1}.conf`]),
    );
    const found = read("Include 0.conf\nX end", files);
    expect(names(found)).toHaveLength(50);
    expect(said(found)).toEqual(["2: more than 50 files or macros one in another"]);
  });

  test("files that are not there, unless they are optional", () => {
    const found = read(
      "Include gone.conf\nInclude gone/*.conf\nIncludeOptional gone.conf\nIncludeOptional gone/*.conf\nX end",
    );
    expect(said(found)).toEqual([
      "1: /etc/apache2/gone.conf: there is no such file",
      "2: no file matches /etc/apache2/gone/*.conf",
    ]);
    expect(names(found)).toEqual(["end"]);
  });

  test("hints name the program of the distribution", () => {
    const config = "Include gone.conf\n<IfVersion >= 2.4.60>\n</IfVersion>\n";
    const hints = (main: string) =>
      readApacheConfig(findApache(folderWith({ [main]: config }), null)!).problems.map(({ hint }) => hint);
    for (const [main, control] of [
      [MAIN, "apache2ctl"],
      ["etc/httpd/conf/httpd.conf", "apachectl"],
    ] as const)
      expect(hints(main)).toEqual([
        `Apache would refuse to start with it: see ${control} configtest`,
        `it depends on Apache's exact version (${control} -v); look whether that is right`,
      ]);
  });

  test("a pipe, a folder of folders that is a link to itself, and a file that is too large", () => {
    const root = folderWith({
      [MAIN]: "Include pipe\nInclude loop\nInclude large.conf\nX end",
      "etc/apache2/loop/x": "X x",
    });
    const below = (path: string) => join(root, "etc/apache2", path);
    execFileSync("mkfifo", [below("pipe")]);
    for (const name of ["self", "same", "again"]) symlinkSync(".", below(`loop/${name}`));
    writeFileSync(below("large.conf"), "");
    truncateSync(below("large.conf"), 2 ** 30);
    const found = readApacheConfig(findApache(root, null)!);
    expect(new Set(names(found))).toEqual(new Set(["x", "end"]));
    expect(said({ ...found, root })).toEqual([
      "1: /etc/apache2/pipe: not a file",
      "3: /etc/apache2/large.conf: larger than 16 MiB",
    ]);
  });

  test("files that are included again and again", () => {
    const found = read("Include large.conf\n".repeat(3_000), {
      "etc/apache2/large.conf": "#\n".repeat(4_000_000),
    });
    expect(said(found)).toEqual(["10: more than 20000 files or 64 MiB are included"]);
  });

  test("sections that are closed wrongly, or never", () => {
    const found = read("<Location /a>\nInclude open.conf\nX in\n</Location>\n</Location>\nX out", {
      "etc/apache2/open.conf": "<IfDefine NOBODY>\nX hidden",
    });
    expect(names(found)).toEqual(["in", "out"]);
    expect(found.directives.map(({ section }) => section?.name ?? null)).toEqual(["location", null]);
    expect(said(found)).toEqual(["5: </Location> closes nothing"]);
  });

  test("macros that are not there, use themselves or are given too little", () => {
    const found = read("<Macro A $x>\nX $x\nUse A $x\n</Macro>\nUse A 1\nUse A\nUse B\nX end");
    expect(names(found)).toEqual(["1", "end"]);
    expect(said(found)).toEqual([
      "3: macro A uses itself",
      "6: macro A takes 1 words and is given 0, or gets too long",
      "7: there is no macro B here",
    ]);
  });

  test("variables and macros that double each other", () => {
    const bomb = Array.from({ length: 40 }, (_, at) => `Define V${at + 1} "\${V${at}}\${V${at}}"`).join("\n");
    const found = read(`Define V0 xxxxxxxx\n${bomb}\nX end`);
    expect(names(found).at(-1)).toBe("end");
    expect(said(found)[0]).toBe("14: a line that variables make too long");
    const macros = Array.from(
      { length: 40 },
      (_, at) => `<Macro M${at + 1}>\nUse M${at}\nUse M${at}\n</Macro>`,
    ).join("\n");
    const doubled = read(`<Macro M0>\nX x\n</Macro>\n${macros}\nUse M40`);
    expect(said(doubled).at(-1)).toContain("more than 1000000 lines");
  });

  test("a condition on the exact version", () => {
    expect(said(read("<IfVersion >= 2.4.58>\nX in\n</IfVersion>"))).toEqual([
      "1: <ifversion >= 2.4.58> was read: a guess",
    ]);
    expect(said(read("<IfVersion ~ 2[.]4[.]5>\nX in\n</IfVersion>"))).toHaveLength(1);
    expect(said(read("<IfVersion >= 2.4>\nX in\n</IfVersion>"))).toEqual([]);
  });

  test("problems without number", () => {
    expect(read("</X>\n".repeat(100_000)).problems).toHaveLength(100);
  });
});

test("files and folders that this user may not read are named, and the others are read", () => {
  const root = folderWith({
    [MAIN]: "Include closed.conf\nIncludeOptional closed/*.conf\nX end",
    "etc/apache2/closed.conf": "X secret",
    "etc/apache2/closed/a.conf": "X secret",
  });
  chmodSync(join(root, "etc/apache2/closed.conf"), 0o600);
  chmodSync(join(root, "etc/apache2/closed"), 0o700);
  const module = join(import.meta.dirname, "../../src/apache-config/reader.ts");
  const layout = join(import.meta.dirname, "../../src/apache-config/layout.ts");
  const found = asNobody(
    module,
    "readApacheConfig",
    `return readApacheConfig(findApache(${JSON.stringify(root)}, null));`,
    { [layout]: "findApache" },
  ) as ReadConfig;
  expect(found.closed.map((path) => path.replace(root, ""))).toEqual([
    "/etc/apache2/closed.conf",
    "/etc/apache2/closed",
  ]);
  expect(found.problems.map(({ hint }) => hint)).toEqual(
    Array(2).fill("run this command as root to see the whole configuration"),
  );
  expect(names(found)).toEqual(["end"]);
});

describe("Apache's start", () => {
  const variable = (envvars: string, name = "V", folder = "apache2") => {
    const root = folderWith({
      [`etc/${folder}/apache2.conf`]: `X \${${name}}`,
      [`etc/${folder}/envvars`]: envvars,
    });
    return readApacheConfig(
      findApache("/", join(root, `etc/${folder}/apache2.conf`))!,
    ).directives[0]!.words.join(" ");
  };

  test.each([
    ["export V=plain", "plain"],
    ["V=plain # a comment", "plain"],
    ['export V="in quotes"; export V', "in quotes"],
    ["export V='$A'", "$A"],
    [`export A=a\nexport V=$A/\${A}\${NOBODY}/\${NOBODY:-other}`, "a/a/other"],
    [`: \${V:=default}`, "default"],
  ])("gives %s its value", (envvars, value) => {
    expect(variable(envvars)).toBe(value);
  });

  test("is never run: what a command would print stays unknown", () => {
    const root = folderWith();
    expect(variable(`export V=$(touch ${root}/ran)`)).toBe(`\${V}`);
    expect(variable(`export V=\`touch ${root}/ran\``)).toBe(`\${V}`);
    expect(execFileSync("ls", [root], { encoding: "utf8" })).toBe("");
  });

  test("of an instance of Debian's has its suffix", () => {
    const envvars = `if x; then\n  SUFFIX="-\${APACHE_CONFDIR##/etc/apache2-}"\nelse\n  SUFFIX=\nfi\nexport V=/var/log/apache2$SUFFIX`;
    expect(variable(envvars, "V", "apache2-intern")).toBe("/var/log/apache2-intern");
    expect(variable(envvars)).toBe("/var/log/apache2");
  });

  test("with -D defines what <IfDefine> asks for", () => {
    const found = read("<IfDefine ONE>\nX one\n</IfDefine>\n<IfDefine TWO>\nX two\n</IfDefine>", {
      "etc/apache2/envvars": "export APACHE_ARGUMENTS='-D ONE -DTWO'",
    });
    expect(names(found)).toEqual(["one", "two"]);
  });
});

test("a tree that is mounted elsewhere is not left by an Include, and its absolute links stay in it", () => {
  const root = folderWith({
    "tree/etc/apache2/apache2.conf":
      "Include ../../../outside.conf\nInclude sites-enabled/*.conf\nInclude linked\nX end",
    "tree/etc/apache2/sites-available/a.conf": "X a",
    "tree/srv/b.conf": "X b",
    "tree/etc/apache2/sites-enabled/.keep": "",
    "outside.conf": "X outside",
  });
  symlinkSync("/etc/apache2/sites-available/a.conf", join(root, "tree/etc/apache2/sites-enabled/a.conf"));
  symlinkSync("/srv", join(root, "tree/etc/apache2/linked"));
  const found = readApacheConfig(findApache(join(root, "tree"), null)!);
  expect(names(found)).toEqual(["a", "b", "end"]);
  expect(found.problems.map(({ message }) => message)).toEqual([
    `${root}/tree/outside.conf: there is no such file`,
  ]);
});

test("a main file anywhere has its folder for ServerRoot, or the one above conf/", () => {
  const files = {
    "opt/apache/conf/httpd.conf": "Include conf/extra.conf",
    "opt/apache/conf/extra.conf": "X extra",
  };
  const root = folderWith(files);
  expect(names(readApacheConfig(findApache("/", join(root, "opt/apache/conf/httpd.conf"))!))).toEqual([
    "extra",
  ]);
  expect(names(readApacheConfig(findApache(root, join(root, "opt/apache/conf/httpd.conf"))!))).toEqual([
    "extra",
  ]);
});
