import { lstatSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Command, Option } from "commander";
import { loadConfig } from "../config/load.ts";
import { protectedBy } from "../decide/protected.ts";
import { findAccount } from "../enforce/account.ts";
import { UfwAsRoot, type UfwOrders } from "../enforce/ufw/as-root.ts";
import { newUfw } from "../enforce/ufw/ufw.ts";
import { CONFIG } from "../install/places.ts";
import { SekishoError } from "../model/errors.ts";
import { type CliContext, subcommand } from "./context.ts";

/** systemd starts the unit again as long as there is a request: one that cannot be taken must not keep a core busy. */
const REST_MS = 3_000;

/** Not in the help: units of systemd call it, nobody else. */
export const asRootCommand = (context: CliContext): Command =>
  subcommand("as-root", {
    summary: "Do as root what the user sekisho asks for by files. Called by sekisho-ufw.service.",
    examples: [["systemctl start sekisho-ufw.service", "answer the request that waits"]],
    exits: [
      [0, "all requests were answered"],
      [2, "wrong usage"],
      [3, "not as root, or requests cannot be read"],
    ],
  })
    .argument("<what>", "ufw")
    .addOption(new Option("-c, --config <file>", "root's configuration").default(CONFIG))
    .action((what: string, { config }: { readonly config: string }) => asRoot(context, what, config));

async function asRoot(context: CliContext, what: string, file: string): Promise<void> {
  if (what !== "ufw") throw new SekishoError("USAGE", `'${what}' is nothing that root does`, "write: ufw");
  if (process.getuid?.() !== 0) throw refused("this needs root", "systemctl start sekisho-ufw.service");
  const sekisho = await findAccount("sekisho");
  const ending = new AbortController();
  // What ufw has begun it finishes; the rest is not begun.
  process.once("SIGTERM", () => ending.abort());
  const asRoot = new UfwAsRoot({
    users: [0, ...(sekisho === null ? [] : [sekisho.uid])],
    orders: async () => ordersIn(context, file),
    clock: context.clock,
  });
  try {
    const { answered, passedOver } = await asRoot.run(ending.signal);
    const rest =
      passedOver === 0 ? "" : `, and ${passedOver} passed over that no Sekisho of this version writes`;
    context.stdout(`${answered} answered${rest}\n`);
  } catch (error) {
    await sleep(REST_MS);
    throw error;
  }
}

/** What root's configuration says, which nobody else may have written. */
function ordersIn({ clock }: CliContext, file: string): UfwOrders {
  for (const path of [file, dirname(file)]) {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined || stats.uid !== 0 || (stats.mode & 0o022) !== 0 || stats.isSymbolicLink())
      throw refused(
        `${path} is not there, a link, or not root's alone to write`,
        `chown root ${path}; chmod go-w ${path}`,
      );
  }
  const { config } = loadConfig({ file, cwd: "/" });
  const { ports, limit, requests } = config.enforcers.ufw ?? { ports: [80, 443], limit: 0 };
  const spared = protectedBy(config.allowlist, config.trustedProxies);
  return {
    // systemd gives this service mounts of its own, and the administrator's ufw has others.
    ufw: newUfw({ ports, limit }, clock, { mounts: "any" }),
    mayBlock: requests !== undefined,
    isProtected: (target) => spared.reason(target) !== null,
  };
}

const refused = (message: string, hint: string): SekishoError =>
  new SekishoError("UFW_REFUSED", message, hint);
