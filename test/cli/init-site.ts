import { statSync } from "node:fs";
import { join } from "node:path";
import { initCommand } from "../../src/cli/init.ts";
import { loadConfig } from "../../src/config/load.ts";
import { checkFormat } from "../../src/setup.ts";
import { folderWith } from "../config/temporary-folder.ts";
import { commandLine } from "./command-line.ts";
// What the command loads when it is called: here before the time of the first test counts.
import "../../src/cli/init-steps.ts";

export const APACHE = `ServerRoot /etc/apache2
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined
LogFormat "%t %a %>s \\"%r\\" it's" own
CustomLog /var/log/apache2/access.log combined
GlobalLog "|/usr/bin/logger" combined
ErrorLogFormat "[%t] [%-m:%l] [pid %P] [client %a] %M"
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 10.0.0.0/8
<VirtualHost *:443>
  ServerName chat.example
  SSLEngine on
  CustomLog "/var/log/apache2/chat: own.log" own
  ProxyPass /ws ws://127.0.0.1:9001/
</VirtualHost>
`;

export const site = (config = APACHE) =>
  folderWith({ "etc/apache2/apache2.conf": config, "var/log/apache2/access.log": "" });
export const init = (cwd: string, ...args: string[]) =>
  commandLine(["init", "--root", cwd, ...args], (context) => [initCommand(context)], { cwd });
/** As on the machine itself: Apache's paths are its own. */
export const initHere = (cwd: string, ...args: string[]) =>
  commandLine(
    ["init", "--apache-config", join(cwd, "etc/apache2/apache2.conf"), ...args],
    (context) => [initCommand(context)],
    { cwd },
  );
export const load = (cwd: string, file = join(cwd, "sekisho.yaml")) =>
  loadConfig({ file, cwd, checkFormat, root: cwd });
export const modeOf = (path: string) => statSync(path).mode & 0o777;
