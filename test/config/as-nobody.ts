import { spawnSync } from "node:child_process";
import { pathToFileURL } from "node:url";

/**
 * The JSON that `body` prints, run as an ordinary user even where the tests run as root, to whom no file is closed.
 * `names` are imported from `module` first, and so is what `others` name, while the checkout can be read for certain.
 */
export function asNobody(
  module: string,
  names: string,
  body: string,
  others: Readonly<Record<string, string>> = {},
): unknown {
  const imports = Object.entries({ [module]: names, ...others }).map(
    ([from, what]) => `import { ${what} } from ${JSON.stringify(pathToFileURL(from).href)};`,
  );
  const program = `
    ${imports.join("\n")}
    if (process.getuid() === 0) {
      process.setgroups([]);
      process.setgid(65534);
      process.setuid(65534);
    }
    console.log(JSON.stringify(await (async () => { ${body} })()));`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}
