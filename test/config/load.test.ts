import { chmodSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { SekishoError } from "../../src/model/errors.ts";
import { asNobody } from "./as-nobody.ts";
import { folderWith } from "./temporary-folder.ts";

const anyFormat = () => {};
/** With a root of its own, so that what this machine has in /etc and /var/log does not count. */
const load = (cwd: string, file?: string, checkFormat: (kind: string, format: string) => void = anyFormat) =>
  loadConfig({ cwd, file, checkFormat, root: cwd });

function errorOf(action: () => unknown): SekishoError {
  try {
    action();
  } catch (error) {
    if (error instanceof SekishoError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("which file is used", () => {
  const all = {
    "named.yaml": "policy: { ban: 1h }",
    "sekisho.yaml": "policy: { ban: 2h }",
    "etc/sekisho/sekisho.yaml": "policy: { ban: 3h }",
  };

  test("--config wins over ./sekisho.yaml, and that over /etc/sekisho/sekisho.yaml", () => {
    const folder = folderWith(all);
    expect(load(folder, "named.yaml")).toMatchObject({
      file: join(folder, "named.yaml"),
      config: { policy: { ban: 3_600_000 } },
    });
    expect(load(folder)).toMatchObject({
      file: join(folder, "sekisho.yaml"),
      config: { policy: { ban: 7_200_000 } },
    });
    const installed = folderWith({ "etc/sekisho/sekisho.yaml": all["etc/sekisho/sekisho.yaml"] });
    expect(load(installed).config.policy.ban).toBe(10_800_000);
  });

  test("one file is used whole: nothing is merged from another", () => {
    const folder = folderWith({
      "sekisho.yaml": "mode: enforce\nenforcers: { dry-run: {} }",
      "etc/sekisho/sekisho.yaml": "allowlist: [192.0.2.1]",
    });
    expect(load(folder).config).toMatchObject({ mode: "enforce", allowlist: [] });
  });

  test("without a file the defaults run, with data in ./data", () => {
    const folder = folderWith();
    expect(load(folder)).toMatchObject({
      file: null,
      config: { mode: "observe", data: join(folder, "data"), logs: [] },
    });
  });

  test("an empty file is all defaults, with data where an installation has it", () => {
    expect(load(folderWith({ "sekisho.yaml": "" })).config).toMatchObject({
      mode: "observe",
      data: "/var/lib/sekisho",
    });
  });

  test("a dangling link in the place of the file is an error, not another configuration", () => {
    const folder = folderWith({ "etc/sekisho/sekisho.yaml": "" });
    symlinkSync(join(folder, "gone.yaml"), join(folder, "sekisho.yaml"));
    expect(errorOf(() => load(folder))).toMatchObject({ code: "CONFIG_UNREADABLE", exitStatus: 3 });
  });
});

describe("a file that cannot be read", () => {
  test("that is not there is named, with status 3", () => {
    const folder = folderWith();
    const error = errorOf(() => load(folder, "missing.yaml"));
    expect(error).toMatchObject({ code: "CONFIG_UNREADABLE", exitStatus: 3 });
    expect(error.message).toBe(`${join(folder, "missing.yaml")}: there is no such file`);
  });

  test("that is a folder says so", () => {
    const folder = folderWith();
    mkdirSync(join(folder, "conf"));
    expect(errorOf(() => load(folder, "conf")).message).toMatch(/conf: is a folder$/);
  });

  test("without permission says whose it is to give", () => {
    const folder = folderWith({ "closed.yaml": "" });
    chmodSync(join(folder, "closed.yaml"), 0);
    const load = `loadConfig({ cwd: "/", file: ${JSON.stringify(join(folder, "closed.yaml"))}, checkFormat() {} })`;
    const module = join(import.meta.dirname, "../../src/config/load.ts");
    const body = `try { ${load} } catch ({ code, message, hint }) { return { code, message, hint } }`;
    expect(asNobody(module, "loadConfig", body)).toEqual({
      code: "CONFIG_UNREADABLE",
      message: `${join(folder, "closed.yaml")}: no permission to read it`,
      hint: expect.stringContaining("run this with sudo, or as the user that Sekisho runs as"),
    });
  });

  test("that is not UTF-8 names the line and how to convert it", () => {
    const folder = folderWith({ "sekisho.yaml": Buffer.from("mode: observe\n# Gr\xfc\xdfe\n", "latin1") });
    const error = errorOf(() => load(folder));
    expect(error).toMatchObject({ code: "CONFIG_INVALID", exitStatus: 2 });
    expect(error.message).toBe(`${join(folder, "sekisho.yaml")}:2:1: not UTF-8 text`);
    expect(error.hint).toContain("iconv");
  });

  test("a byte order mark and Windows line ends do no harm", () => {
    const folder = folderWith({ "sekisho.yaml": "\ufeffmode: enforce\r\nallowlist: [192.0.2.1]\r\n" });
    expect(load(folder).config).toMatchObject({ mode: "enforce", allowlist: ["192.0.2.1/32"] });
  });
});

describe("paths in a file", () => {
  test("start at the file's folder, wherever the command was run", () => {
    const folder = folderWith({
      "etc/site.yaml":
        "data: state\nrules: ../rules\nlogs: [{ path: logs/*access.log }, { path: /var/log/x }]",
    });
    expect(
      loadConfig({ cwd: "/", file: join(folder, "etc/site.yaml"), checkFormat: anyFormat }).config,
    ).toMatchObject({
      data: join(folder, "etc/state"),
      rules: join(folder, "rules"),
      logs: [{ path: join(folder, "etc/logs/*access.log") }, { path: "/var/log/x" }],
    });
  });
});

describe("logs", () => {
  const apache = { "var/log/apache2/access.log": "", "var/log/apache2/error.log": "" };

  test("are looked for where the configuration does not name any", () => {
    const folder = folderWith({ ...apache, "sekisho.yaml": "mode: observe" });
    const { config, discovery } = load(folder);
    expect(config.logs.map(({ kind }) => kind)).toEqual(["access", "error"]);
    expect(discovery!.unreadable).toEqual([]);
  });

  test("are not looked for where it says that there are none", () => {
    const { config, discovery } = load(folderWith({ ...apache, "sekisho.yaml": "logs: []" }));
    expect(config.logs).toEqual([]);
    expect(discovery).toBeNull();
  });
});

describe("what one key alone cannot tell", () => {
  const problem = (text: string, checkFormat?: (kind: string, format: string) => void) => {
    const folder = folderWith({ "sekisho.yaml": text });
    const error = errorOf(() => load(folder, undefined, checkFormat));
    expect(error).toMatchObject({ code: "CONFIG_INVALID", exitStatus: 2 });
    return error.message.replaceAll(`${folder}/`, "");
  };

  test("a log that is named twice would count each line twice", () => {
    expect(problem("logs:\n  - path: /var/log/a.log\n  - path: /var/log/../log/a.log")).toBe(
      "sekisho.yaml:3:11: logs[1].path: '/var/log/a.log' is read by logs[0] already, so each line would count twice; keep one of them",
    );
  });

  test("two stars would stand for one folder, and not for folders at any depth", () => {
    expect(problem("logs:\n  - path: '/var/log/**/access.log'")).toMatch(
      /^sekisho\.yaml:2:11: logs\[0\]\.path: .*write a star for the name of each folder/,
    );
  });

  test("a LogFormat that cannot be read is shown where it stands", () => {
    const refuse = (kind: string, format: string) => {
      if (kind === "access" && format !== "auto") {
        throw new SekishoError(
          "LOG_FORMAT_INVALID",
          "there is no directive %Q",
          "write one of mod_log_config's",
        );
      }
    };
    expect(problem("logs:\n  - path: /a\n  - path: /b\n    format: '%h %Q'", refuse)).toBe(
      "sekisho.yaml:4:13: logs[1].format: there is no directive %Q; write one of mod_log_config's",
    );
  });

  test("fields are for json only", () => {
    expect(problem("logs:\n  - path: /a\n    fields: { client: ip }")).toBe(
      "sekisho.yaml:3:13: logs[0].fields: is only for format: json; remove it",
    );
  });

  test("the longest ban is no shorter than the first", () => {
    expect(problem("policy: { ban: 4h, max: 1h }")).toBe(
      "sekisho.yaml:1:25: policy.max: is shorter than policy.ban; write a longer one",
    );
  });

  test.each(["0.0.0.0:7080", "'[::]:7080'", "192.0.2.1:80", "example.com:80"])(
    "listening on %s needs an explicit permission",
    (listen) => {
      expect(problem(`dashboard: { listen: ${listen} }`)).toMatch(
        /^sekisho\.yaml:1:22: dashboard\.listen: .*can be reached by other machines/,
      );
      const allowed = folderWith({ "sekisho.yaml": `dashboard: { listen: ${listen}, allowRemote: true }` });
      expect(() => load(allowed)).not.toThrow();
    },
  );
});

describe("lists", () => {
  const refusal = (list: string): string => {
    try {
      load(folderWith({ "sekisho.yaml": `lists:\n  - ${list}\n` }));
      return "taken";
    } catch (error) {
      return (error as Error).message;
    }
  };

  test("are from https, from this host, or from a file beside the configuration", () => {
    const folder = folderWith({
      "sekisho.yaml":
        "lists: [{ name: a, from: bad.txt }, { name: b, from: 'https://lists.example/b?key=1' }]",
    });
    expect(load(folder).config.lists).toMatchObject([
      {
        from: join(folder, "bad.txt"),
        kind: "block",
        format: "plain",
        max: 500_000,
        growth: 10,
        keep: Infinity,
      },
      { from: "https://lists.example/b?key=1" },
    ]);
    expect(refusal("{ name: a, from: 'http://127.0.0.1:8080/x' }")).toBe("taken");
  });

  test.each([
    ["{ name: a, from: 'http://lists.example/x' }", /is not an https address or a file/],
    ["{ name: a, from: 'https://me:secret@lists.example/x' }", /is not an https address or a file/],
    ["{ name: a, from: 'ftp://lists.example/x' }", /is not an https address or a file/],
    ["{ name: ../a, from: x }", /is not a name for a list/],
    ["{ name: a, from: x, column: 2 }", /lists\[0\]\.column: is only for format: csv/],
    ["{ name: a, from: x, schedule: never }", /lists\[0\]\.schedule/],
    ["{ name: a, from: x, max: 2000000 }", /lists\[0\]\.max/],
    ["{ name: a, from: x }\n  - { name: a, from: y }", /lists\[1\]\.name: lists\[0\] is called 'a' already/],
  ])("that are not right are refused with their place: %s", (list, message) => {
    expect(refusal(list)).toMatch(message);
  });
});

describe("warnings", () => {
  const warnings = (text: string) =>
    load(folderWith({ "sekisho.yaml": text })).warnings.map(({ message }) => message);

  test("none for a plain configuration", () => {
    expect(warnings("mode: enforce\nenforcers: { dry-run: {} }\nallowlist: [10.0.0.0/8]")).toEqual([]);
  });

  test("to enforce without an enforcer blocks nothing", () => {
    expect(warnings("mode: enforce")).toEqual([expect.stringContaining("no enforcer is configured")]);
  });

  test.each(["0.0.0.0/0", "::/0"])("an allowlist or a proxy list with %s spares everyone", (all) => {
    expect(warnings(`allowlist: ['${all}']\ntrustedProxies: ['${all}']`)).toHaveLength(2);
  });

  describe.each([
    ["sekisho.yaml", 0o666],
    [".", 0o777],
    ["rules.d", 0o777],
    ["rules.d/own.yaml", 0o646],
  ])("%s that everybody may write", (path, mode) => {
    test("is told, with what to do", () => {
      const folder = folderWith({ "sekisho.yaml": "mode: observe", "rules.d/own.yaml": "" });
      expect(load(folder).warnings).toEqual([]);
      chmodSync(join(folder, path), mode);
      expect(load(folder).warnings).toEqual([
        {
          message: `everybody on this machine may write ${join(folder, path)}, and so say whom Sekisho bans and what it runs`,
          hint: `chmod o-w ${join(folder, path)}`,
        },
      ]);
      chmodSync(join(folder, path), 0o755);
    });
  });

  test.each([
    ["notifications.url", "notifications: [{ to: slack, url: 'https://hooks.example.com/T0/B0/x' }]"],
    [
      "notifications.server",
      "notifications: [{ to: email, server: 'smtp://u:p@m', from: a@b.example, recipients: [a@b.example] }]",
    ],
    ["lists.from", "lists: [{ name: x, from: 'https://lists.example/x?key=k' }]"],
  ])("a secret that everybody may read (%s) is told", (key, text) => {
    const folder = folderWith({ "sekisho.yaml": text });
    const told = () => load(folder).warnings.map(({ message }) => message);
    expect(told()).toEqual([
      `everybody on this machine may read ${join(folder, "sekisho.yaml")}, and ${key} in it is often a secret`,
    ]);
    chmodSync(join(folder, "sekisho.yaml"), 0o640);
    expect(told()).toEqual([]);
  });
});

test.each([
  "notifications: [{ to: slack, url: 'htps://hooks.example.com/T0/SECRET' }]",
  "notifications: [{ to: slack, url: hooks.example.com/SECRET }]",
  "notifications: ['slack https://hooks.example.com/T0/SECRET']",
  "notifications: https://hooks.example.com/T0/SECRET",
  "notifications: { url: 'https://hooks.example.com/T0/SECRET' }",
  "notifications: [{ to: email, server: 'smtpx://user:SEC@RET/SECRET@m' }]",
  "lists: [{ name: x, from: 'http://u:SECRET@lists.example/x' }]",
])("what is wrong with a secret is told without it: %s", (text) => {
  const { message, code } = errorOf(() => load(folderWith({ "sekisho.yaml": text })));
  expect(code).toBe("CONFIG_INVALID");
  expect(message).not.toMatch(/SEC|RET/);
});

test("a configuration without an end is refused", () => {
  const folder = folderWith();
  symlinkSync("/dev/zero", join(folder, "sekisho.yaml"));
  expect(errorOf(() => load(folder)).message).toContain("is larger than 16 MiB");
});
