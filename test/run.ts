/**
 * Everything that must hold, in order: types, lint, format, build, tests.
 * `npm test` runs what this machine allows; `npm run test:full` installs what is missing and skips nothing;
 * `npm test -- PATTERN` builds and runs the test files whose path contains PATTERN;
 * with `--times N` property tests try N times as many random values, and others than usual.
 */
import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { installSystemPackages } from "./install-system-packages.ts";
import { missing, type Need } from "./requirements.ts";

const ROOT = join(import.meta.dirname, "..");
const STATIC_STEPS = ["typecheck", "lint", "format:check", "build"];
const HOW_TO_MEET: Readonly<Record<Need, string>> = {
  root: "run as root",
  netns: "allow network namespaces: root with CAP_SYS_ADMIN, iproute2 installed",
  userns: "allow user namespaces: sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone",
  apache2: "apt-get install apache2",
  chromium: "apt-get install chromium",
  ipset: "apt-get install ipset",
  openssl: "apt-get install openssl",
  ufw: "apt-get install ufw",
  nft: "apt-get install nftables",
  logrotate: "apt-get install logrotate",
  systemd: "install systemd",
  python3: "apt-get install python3",
};

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** The part of Vitest's JSON report that is read here. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: "passed" | "failed";
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

const { values, positionals } = parseArgs({
  options: { full: { type: "boolean" }, times: { type: "string" } },
  allowPositionals: true,
});
const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
const complaints: string[] = [];
runAll();
for (const complaint of complaints) console.log(complaint);
console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
process.exitCode = tally.failed > 0 ? 1 : 0;

function runAll(): void {
  if (values.full) {
    const obstacle = installSystemPackages(console.log);
    if (obstacle !== null) {
      complaints.push(`FAILED system packages: ${obstacle.message}`, `hint: ${obstacle.hint}`);
      tally.failed++;
      return;
    }
    process.env.SEKISHO_TEST_FULL = "1";
  }
  if (values.times !== undefined) tryMore(values.times);
  const steps = positionals.length === 0 ? STATIC_STEPS : ["build"];
  for (const step of steps) {
    console.log(`\n> ${step}`);
    if (run("npm", ["run", "--silent", step]) === 0) {
      tally.passed++;
    } else {
      tally.failed++;
      complaints.push(`FAILED ${step}: npm run ${step}`);
    }
  }
  runVitest();
}

function tryMore(times: string): void {
  const seed = randomInt(2 ** 31);
  Object.assign(process.env, { SEKISHO_TEST_TIMES: times, SEKISHO_TEST_SEED: seed });
  console.log(`again: SEKISHO_TEST_TIMES=${times} SEKISHO_TEST_SEED=${seed} npm test`);
}

function run(command: string, args: readonly string[]): number | null {
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] });
  if (error !== undefined) console.log(`${command}: ${error.message}`);
  return status;
}

function runVitest(): void {
  console.log("\n> vitest");
  const directory = mkdtempSync(join(tmpdir(), "sekisho-test-"));
  try {
    const file = join(directory, "report.json");
    const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
    const status = run(process.execPath, [vitest, "run", ...reporters, ...positionals]);
    const failedBefore = tally.failed;
    count(JSON.parse(readFileSync(file, "utf8")) as Report);
    // An error outside of any test (an unhandled rejection) shows only in the exit status.
    if (status !== 0 && tally.failed === failedBefore)
      fail("vitest: it ended with an error outside of any test");
  } catch (error) {
    fail(`vitest: it left no report (${error instanceof Error ? error.message : error})`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function fail(what: string): void {
  tally.failed++;
  complaints.push(`FAILED ${what}`);
}

function count(report: Report): void {
  if (report.testResults.length === 0) fail("vitest: no test file matches");
  for (const { name, status, assertionResults } of report.testResults) {
    const path = relative(ROOT, name);
    const of = (wanted: string) => assertionResults.filter((test) => test.status === wanted).length;
    const passed = of("passed");
    const failed = of("failed");
    const skipped = assertionResults.length - passed - failed;
    tally.passed += passed;
    tally.failed += failed;
    tally.skipped += skipped;
    if (failed > 0) complaints.push(`FAILED ${path}: ${failed} of ${assertionResults.length} tests`);
    // A file that does not load, or whose hooks fail, has no failed test of its own.
    else if (status === "failed") fail(`${path}: the file itself`);
    if (skipped > 0 && values.full) fail(`${path}: ${skipped} skipped, and the full tests skip nothing`);
    else if (skipped > 0) complaints.push(`SKIPPED ${path}: ${skipped} tests, ${whySkipped(name)}`);
  }
}

/** The needs that the file names (`missing("root", "netns")`) and this machine does not meet. */
function whySkipped(file: string): string {
  const named = [...readFileSync(file, "utf8").matchAll(/\bmissing\(([^)]*)\)/g)]
    .map((call) => call[1]!)
    .join();
  const unmet = (Object.keys(HOW_TO_MEET) as Need[]).filter(
    (need) => named.includes(`"${need}"`) && missing(need) !== null,
  );
  if (unmet.length === 0) return "the file says why";
  return `for want of ${unmet.map((need) => `${need} (${HOW_TO_MEET[need]})`).join(", ")}`;
}
