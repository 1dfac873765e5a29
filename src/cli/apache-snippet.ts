import { loadConfig } from "../config/load.ts";
import { configSchema } from "../config/schema.ts";
import { apacheSnippet } from "../enforce/apache/snippet.ts";
import { SEKISHO_LOG_FORMAT, SEKISHO_TLS_LOG_FORMAT } from "../parse/named-formats.ts";
import { OPENING_MESSAGE } from "../parse/opening.ts";
import type { CliContext } from "./context.ts";

/** The lines for Apache, with the paths of the configuration. */
export function snippetFor({ cwd }: CliContext, file: string | undefined): string {
  const { enforcers } = loadConfig({ file, cwd }).config;
  const isConfigured =
    enforcers["apache-directory"] !== undefined || enforcers["apache-include"] !== undefined;
  const usual = { "apache-directory": {}, "apache-include": {} };
  const { "apache-directory": directory, "apache-include": include } = isConfigured
    ? enforcers
    : configSchema.parse({ enforcers: usual }).enforcers;
  return apacheSnippet({
    directory: directory?.directory ?? null,
    includeFile: include?.file ?? null,
    // What Sekisho asks Apache to log, as the parsers know it.
    logFormat: SEKISHO_LOG_FORMAT,
    tlsLogFormat: SEKISHO_TLS_LOG_FORMAT,
    openingMessage: OPENING_MESSAGE,
  });
}
