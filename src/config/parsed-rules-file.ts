import { join } from "node:path";

/** The shipped rules as they were when this was built; beside the sources, as in development, there are none. */
export const PARSED_RULES = join(import.meta.dirname, "rules.bin");
