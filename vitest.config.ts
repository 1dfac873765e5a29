import { basename } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Two groups, one after the other, since tests that time real programs (Apache, Chromium, the daemon) must not
 * share two cores with everything else. No test asks how long anything takes: the limits are for what hangs.
 */
const WITH_PROGRAMS = ["e2e", "contract", "enforce", "web"].map(
  (folder) => `test/${folder}/**/*.test.{ts,tsx}`,
);

/**
 * These ask how much memory the process gains, and so have one of their own. All others share processes and what is loaded in
 * them, as loading costs more than most tests: what several files import registers no hooks by being imported.
 */
const MEASURES_MEMORY = ["tail/catch-up", "tail/read-log", "evaluate/evaluator"].map(
  (file) => `test/${file}.test.ts`,
);
const UNIT = { maxWorkers: 3, sequence: { groupOrder: 0 } };

/** Folders whose files take long, the longest first: they must not run last, alone. */
const LONGEST = ["contract", "e2e", "enforce/ufw"];

/** Without earlier runs vitest begins with the largest files, but those that take longest are no larger than others. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const place = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((folder) => moduleId.includes(`/test/${folder}/`));
      return at === -1 ? LONGEST.length : at;
    };
    return sorted.toSorted((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  resolve: {
    alias: ["ingest/worker-file", "config/parsed-rules-file"].map((file) => ({
      find: new RegExp(`^\\.(/.*)?/${basename(file)}\\.ts$`),
      replacement: `${import.meta.dirname}/test/${file}.ts`,
    })),
  },
  test: {
    environment: "node",
    setupFiles: "test/property.ts",
    sequence: { sequencer: LongestFirst },
    // They end what hangs, and what a test waits for comes late on a busy machine.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.{ts,tsx}"],
          exclude: [...WITH_PROGRAMS, ...MEASURES_MEMORY, "**/node_modules/**"],
          isolate: false,
          ...UNIT,
        },
      },
      { extends: true, test: { name: "memory", include: MEASURES_MEMORY, ...UNIT } },
      {
        extends: true,
        test: {
          name: "programs",
          include: WITH_PROGRAMS,
          isolate: false,
          // They wait more than they work: for Apache's reloads, for ends of bans, for the page.
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
