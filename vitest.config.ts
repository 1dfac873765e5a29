import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Two groups, one after the other, since tests that time real programs (Apache, Chromium, the daemon) must not
 * share two cores with everything else. No test asks how long anything takes: the limits are for what hangs.
 */
const WITH_PROGRAMS = ["e2e", "contract", "enforce", "web"].map(
  (folder) => `test/${folder}/**/*.test.{ts,tsx}`,
);

/** Without earlier runs vitest begins with the longest files; the contracts are short and take long, and would run last, alone. */
class ContractsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isContract = ({ moduleId }: TestSpecification) => moduleId.includes("/test/contract/");
    return [...sorted.filter(isContract), ...sorted.filter((file) => !isContract(file))];
  }
}

export default defineConfig({
  resolve: {
    alias: [
      { find: /^\.\/worker-file\.ts$/, replacement: `${import.meta.dirname}/test/ingest/worker-file.ts` },
    ],
  },
  test: {
    environment: "node",
    sequence: { sequencer: ContractsFirst },
    // What a test waits for comes late on a busy machine: vitest's own limit is one second.
    expect: { poll: { timeout: 30_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.{ts,tsx}"],
          exclude: [...WITH_PROGRAMS, "**/node_modules/**"],
          testTimeout: 30_000,
          hookTimeout: 30_000,
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "programs",
          include: WITH_PROGRAMS,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // They wait more than they work: for Apache's reloads, for ends of bans, for the page.
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
