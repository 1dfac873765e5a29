/** A step of the build: has the shipped rules parsed, so that no start needs to. */
import { join } from "node:path";
import { writeParsedRules } from "../src/config/parsed-rules.ts";

writeParsedRules(import.meta.dirname, join(import.meta.dirname, "../dist/rules.bin"));
