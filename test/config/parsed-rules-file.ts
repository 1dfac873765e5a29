import { built } from "../built.ts";

/** Takes the place of `src/config/parsed-rules-file.ts` in tests, which would parse all rules again and again. */
export const PARSED_RULES = built("rules.bin");
