import { join } from "node:path";
import { behindProxy } from "../enforce/behind-proxy.ts";
import { cutterOf, enforcersOf } from "../enforcers.ts";
import { checkLists } from "../imported-lists.ts";
import { asSekishoError } from "../model/errors.ts";
import { detectFormat } from "../parse/formats.ts";
import { tokenProblem } from "../serve/access-token.ts";
import { listenProblem } from "../serve/listen.ts";
import { checkFormat, PACKAGE_ROOT, readRuleSet } from "../setup.ts";
import { checkApache } from "./check-apache.ts";
import type { CheckStages } from "./check-report.ts";
import { checkRotation } from "./check-rotation.ts";
import type { CliContext } from "./context.ts";
import { runningAt } from "./daemon-file.ts";

/** The longest that one enforcer may take to say whether it could block. */
const PROBE_MS = 30_000;

/** The real stages. */
export const checkStages = ({ clock, env }: CliContext): CheckStages => ({
  checkFormat,
  checkRules: readRuleSet,
  shippedRules: join(PACKAGE_ROOT, "rules"),
  detectFormat,
  probeEnforcers: async (config) =>
    Promise.all(
      enforcersOf(config, clock).map(async (enforcer) => ({
        name: enforcer.name,
        error:
          behindProxy(enforcer, config.trustedProxies) ??
          (await enforcer.probe(AbortSignal.timeout(PROBE_MS)).then(() => null, asSekishoError)),
      })),
    ),
  // The daemon that runs with this data is no obstacle to the next.
  checkListen: async ({ data, dashboard }) =>
    runningAt(data)?.port === dashboard.listen.port ? null : listenProblem(dashboard.listen),
  checkToken: ({ data, dashboard: { listen, hosts } }) =>
    tokenProblem(data, env.SEKISHO_TOKEN, [listen.host, ...hosts]),
  checkRotation: (config) => checkRotation(config),
  checkApache: async (config, main) => checkApache(config, main),
  checkLists: async (config) => (config.lists.length === 0 ? [] : checkLists(config, clock)),
  probeCut: async (config) => {
    const cutter = config.mode === "enforce" ? cutterOf(config) : null;
    return cutter?.probe(AbortSignal.timeout(PROBE_MS)).then(() => null, asSekishoError) ?? null;
  },
});
