import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of this test's own, gone with the scope that holds it. */
export function temporaryFolder(within = tmpdir()): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(within, "sekisho-test-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
