import fc from "fast-check";

/**
 * Property tests try the same random values each time, so that a change fails for what it did; `npm test -- --times 20`
 * tries other values, and twenty times as many.
 */
const times = Number(process.env.SEKISHO_TEST_TIMES ?? 1);
const seed = Number(process.env.SEKISHO_TEST_SEED ?? 20_261_122);

/** As many runs of a property, or more where that was asked for. */
export const runs = (usual: number): number => usual * times;

fc.configureGlobal({ seed, numRuns: runs(100) });
