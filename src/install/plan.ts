import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { COMPLETIONS, CONFIG, HOME, LINK } from "./places.ts";
import { withUfwRequests } from "./ufw-requests.ts";

/** Where a package that was built stands, and what is there. */
export interface Package {
  /** The checkout, or what was unpacked. */
  readonly root: string;
  /** Folders of node_modules that run, relative to it. */
  readonly modules: readonly string[];
  readonly completions: Readonly<Record<keyof typeof COMPLETIONS, string>>;
}

/** One thing that is done, and how to tell that it is done already. `path`: below the root of the system. */
export type Step =
  | { readonly kind: "user"; readonly name: string }
  | { readonly kind: "folder"; readonly from: string; readonly path: string }
  /** Packages of node_modules, each at the same place below `path` as below `from`. */
  | {
      readonly kind: "packages";
      readonly from: string;
      readonly path: string;
      readonly names: readonly string[];
    }
  | { readonly kind: "file"; readonly text: string; readonly path: string; readonly mode: number }
  | { readonly kind: "link"; readonly to: string; readonly path: string }
  | { readonly kind: "make-folder"; readonly path: string; readonly mode: number }
  | { readonly kind: "run"; readonly command: readonly [string, ...string[]]; readonly why: string };

const UNITS = "/etc/systemd/system";
const LOGROTATE = "/etc/logrotate.d/sekisho";

/** Units that are switched on; each starts what else there is. */
const ENABLED = [
  "sekisho.service",
  "sekisho-apache.path",
  "sekisho-ufw.path",
  "sekisho-expire.timer",
] as const;

/** Files of systemd/ and where they go. */
const FILES: readonly (readonly [name: string, folder: string, mode: number])[] = [
  ["sekisho.service", UNITS, 0o644],
  ["sekisho-apache.path", UNITS, 0o644],
  ["sekisho-apache.service", UNITS, 0o644],
  ["sekisho-ufw.path", UNITS, 0o644],
  ["sekisho-ufw.service", UNITS, 0o644],
  ["sekisho-expire.service", UNITS, 0o644],
  ["sekisho-expire.timer", UNITS, 0o644],
  ["apache-as-root", `${HOME}/libexec`, 0o755],
  ["apache-control", `${HOME}/libexec`, 0o755],
];

/** What of the package runs. */
const PARTS = ["bin", "dist", "rules", "schemas"] as const;

export interface Layout {
  /** Apache's log folder is for its group alone (RHEL: for root alone): who reads it needs more than a group. */
  readonly logsNeedRoot: boolean;
  /** Null where there is none; empty where only root may read it. */
  readonly config: string | null;
  /** Nothing was installed before. */
  readonly isFirst: boolean;
}

/** RHEL keeps /var/log/httpd to root; Debian's /var/log/apache2 is the group adm's. */
export const layoutOf = (root: string): Layout => ({
  logsNeedRoot: existsSync(join(root, "var/log/httpd")),
  config: existsSync(join(root, CONFIG)) ? textOf(join(root, CONFIG)) : null,
  isFirst: !existsSync(join(root, HOME)),
});

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** All that makes Sekisho run as a service, in order. The same package again changes nothing. */
export function installSteps({ root, modules, completions }: Package, layout: Layout): Step[] {
  const shipped = (name: string): string => readFileSync(join(root, "systemd", name), "utf8");
  return [
    { kind: "file", text: shipped("sekisho.sysusers"), path: "/etc/sysusers.d/sekisho.conf", mode: 0o644 },
    { kind: "file", text: shipped("sekisho.logrotate"), path: LOGROTATE, mode: 0o644 },
    { kind: "user", name: "sekisho" },
    ...PARTS.map((part): Step => ({ kind: "folder", from: join(root, part), path: `${HOME}/${part}` })),
    { kind: "packages", from: root, path: HOME, names: modules },
    {
      kind: "file",
      text: readFileSync(join(root, "package.json"), "utf8"),
      path: `${HOME}/package.json`,
      mode: 0o644,
    },
    ...FILES.map(
      ([name, folder, mode]): Step => ({
        kind: "file",
        text: shipped(name),
        path: `${folder}/${name}`,
        mode,
      }),
    ),
    ...(layout.logsNeedRoot ? [readEverything] : []),
    { kind: "file", text: shipped("sekisho.tmpfiles"), path: "/etc/tmpfiles.d/sekisho.conf", mode: 0o644 },
    {
      kind: "run",
      command: ["systemd-tmpfiles", "--create", "/etc/tmpfiles.d/sekisho.conf"],
      why: "the folders in /run",
    },
    { kind: "link", to: `${HOME}/bin/sekisho`, path: LINK },
    ...Object.entries(COMPLETIONS).map(([shell, path]): Step => {
      return { kind: "file", text: completions[shell as keyof typeof COMPLETIONS], path, mode: 0o644 };
    }),
    { kind: "make-folder", path: "/etc/sekisho/rules.d", mode: 0o755 },
    ...(layout.config === null ? [firstConfig] : []),
    ...(layout.isFirst ? [...rootlessUfw(layout.config ?? ""), rootlessControl] : []),
    {
      kind: "run",
      command: ["chown", "root:sekisho", CONFIG],
      why: "Sekisho may read it, and not change it",
    },
    { kind: "run", command: ["chmod", "0640", CONFIG], why: "nobody else sees what it holds" },
    { kind: "run", command: ["systemctl", "daemon-reload"], why: "systemd reads the units" },
    {
      kind: "run",
      command: ["systemctl", "enable", "--now", ...ENABLED],
      why: "it starts now and at each boot",
    },
  ];
}

const readEverything: Step = {
  kind: "file",
  path: `${UNITS}/sekisho.service.d/logs.conf`,
  mode: 0o644,
  text: "# Apache's logs are root's alone here: this lets Sekisho read files, and write none.\n[Service]\nAmbientCapabilities=CAP_NET_ADMIN CAP_DAC_READ_SEARCH\nCapabilityBoundingSet=CAP_NET_ADMIN CAP_DAC_READ_SEARCH\n",
};

const firstConfig: Step = {
  kind: "run",
  command: [`${HOME}/bin/sekisho`, "init", "--write", CONFIG],
  why: "a configuration from Apache's own; it observes and blocks nobody",
};

/** What init wrote, before or just now, is for a Sekisho that may reload Apache itself. */
const rootlessControl: Step = {
  kind: "run",
  command: [
    "sed",
    "-Ei",
    `s#control: (apache2ctl|apachectl)\\b#control: ${HOME}/libexec/apache-control#`,
    CONFIG,
  ],
  why: "reloads of Apache go through sekisho-apache.service",
};

/** Where the configuration that is there has ufw block. */
function rootlessUfw(config: string): Step[] {
  const text = withUfwRequests(config, "/run/sekisho/ufw");
  return text === null ? [] : [{ kind: "file", text, path: CONFIG, mode: 0o640 }];
}

/** What an installation made. Configuration and data stay unless `purge`. */
export function uninstallSteps(
  purge: boolean,
  hasConfig: boolean,
): {
  readonly stop: readonly Step[];
  readonly remove: readonly string[];
} {
  const units = FILES.filter(([, folder]) => folder === UNITS).map(([name, folder]) => `${folder}/${name}`);
  const off = (names: readonly string[], why: string): Step => ({
    kind: "run",
    command: ["systemctl", "disable", "--now", ...names],
    why,
  });
  const panic = (why: string, ...options: string[]): Step => ({
    kind: "run",
    command: [`${HOME}/bin/sekisho`, "panic", ...options, "--config", CONFIG],
    why,
  });
  // Letting everybody in takes root's halves.
  const paths = ENABLED.filter((name) => name.endsWith(".path"));
  return {
    stop: [
      off(
        ENABLED.filter((name) => !name.endsWith(".path")),
        "it stops, and starts no more",
      ),
      ...(hasConfig
        ? [panic("whoever is blocked is let in"), panic("should it be installed again", "--end")]
        : []),
      off(paths, "nobody asks root any more"),
    ],
    remove: [
      ...units,
      `${UNITS}/sekisho.service.d`,
      "/etc/sysusers.d/sekisho.conf",
      "/etc/tmpfiles.d/sekisho.conf",
      LOGROTATE,
      LINK,
      ...Object.values(COMPLETIONS),
      HOME,
      ...(purge
        ? [
            "/etc/sekisho",
            "/var/lib/sekisho",
            "/var/lib/sekisho-apache",
            "/run/sekisho",
            "/run/sekisho-apache",
            "/run/sekisho-ufw",
          ]
        : []),
    ],
  };
}
