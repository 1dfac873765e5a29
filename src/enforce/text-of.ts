import { readFile } from "node:fs/promises";
import { systemCode } from "../model/errors.ts";

/** The text of a file; null where there is none. Throws what else the system says. */
export async function textOf(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  }
}
