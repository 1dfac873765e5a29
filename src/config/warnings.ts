import { prefixOf, type Target } from "../model/ip.ts";
import type { Config } from "./schema.ts";

/** What is allowed but probably not meant. */
export interface ConfigWarning {
  readonly message: string;
  readonly hint: string;
}

export function warningsFor(config: Config): ConfigWarning[] {
  const warnings: ConfigWarning[] = [];
  const everything = (targets: readonly Target[]) => targets.find((target) => prefixOf(target).bits === 0);
  for (const key of ["allowlist", "trustedProxies"] as const) {
    const target = everything(config[key]);
    if (target === undefined) continue;
    warnings.push({
      message: `${key} contains ${target}, which is everyone: nobody will ever be banned`,
      hint: `name only the addresses that are yours in ${key}`,
    });
  }
  if (config.mode === "enforce" && Object.values(config.enforcers).every((each) => each === undefined)) {
    warnings.push({
      message: "mode is enforce, but no enforcer is configured: bans will be recorded and block nothing",
      hint: "add enforcers.apache-directory: {} and follow `sekisho apache snippet`",
    });
  }
  return warnings;
}
