import { findApache } from "../../src/apache-config/layout.ts";
import { type InitPlan, planFor } from "../../src/cli/init-plan.ts";
import { folderWith } from "../config/temporary-folder.ts";

/** The formats that Debian ships, and what else a test's configuration needs to be one. */
const HEAD = `ServerRoot /etc/apache2
Listen 80
Listen 443
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined
LogFormat "%h %l %u %t \\"%r\\" %>s %O" common
LogFormat "%t %a %>s \\"%r\\" \\"%{Origin}i\\" \\"%{Upgrade}i\\"" rich
LoadModule ssl_module modules/mod_ssl.so
`;

export interface Planned {
  readonly plan: InitPlan;
  /** Paths of this are shown without the folder. */
  readonly root: string;
}

/** What is planned for an Apache with this configuration, in a folder that takes the place of `/`. */
export function planned(config: string, files: Readonly<Record<string, string>> = {}): Planned {
  const root = folderWith({ "etc/apache2/apache2.conf": HEAD + config, ...files });
  return { plan: planFor(findApache(root, null)!), root };
}

/** `verdict path format` of each access log, paths below the folder. */
export const accessLogs = ({ plan, root }: Planned): string[] =>
  plan.logs
    .filter(({ kind }) => kind === "access")
    .map(({ verdict, path, format }) => `${verdict} ${path.replace(root, "")} ${format ?? ""}`.trimEnd());

export const messages = ({ plan, root }: Planned): string[] =>
  plan.notes.map(({ message }) => message.replaceAll(root, ""));
