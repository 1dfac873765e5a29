import { type BanFilePattern, IPV4_BAN_FILES, IPV6_BAN_FILES } from "./ban-files.ts";

export interface SnippetOptions {
  /** The ban directory; null when that enforcer is off. */
  readonly directory: string | null;
  /** The generated list of `Require not ip`; null when that enforcer is off. */
  readonly includeFile: string | null;
  /** Sekisho's LogFormat, unquoted: quotes as Apache's log should show them. */
  readonly logFormat: string;
  /** The same with the version of TLS, which Apache knows only where mod_ssl is loaded. */
  readonly tlsLogFormat: string;
  /** What mod_log_debug is asked to write when a WebSocket opens, as LogMessage takes it. */
  readonly openingMessage: string;
}

/**
 * The lines that an administrator adds to Apache, at server level. Paths are configuration that was checked to be
 * plain (`/`, letters, digits, `.`, `_`, `+`, `-`). What this covers was measured: docs/apache.md.
 */
export function apacheSnippet(options: SnippetOptions): string {
  const parts = [HEAD, logLines(options), openingLines(options.openingMessage)];
  if (options.directory !== null) parts.push(directoryLines(options.directory));
  if (options.includeFile !== null) parts.push(includeLines(options.includeFile));
  return parts.join("\n");
}

const HEAD = `# Sekisho, for Apache 2.4, at server level (outside every <VirtualHost>).
# Debian: /etc/apache2/conf-available/sekisho.conf, then: a2enconf sekisho && apache2ctl configtest && apache2ctl graceful
# RHEL:   /etc/httpd/conf.d/sekisho.conf, then: apachectl configtest && apachectl graceful
# Needs mod_authz_core and mod_authz_host, for the log mod_log_config and mod_logio, for openings mod_log_debug.
`;

const logLines = ({
  logFormat,
  tlsLogFormat,
}: SnippetOptions): string => `# A log that shows Origin, Upgrade and the vhost, which "combined" does not. GlobalLog writes for every vhost,
# also for those with a CustomLog of their own. Choose one line, and name that file in Sekisho's \`logs:\` in the place
# of the other access logs: a request that is read twice counts twice.
<IfModule mod_ssl.c>
  LogFormat "${quoted(tlsLogFormat)}" sekisho
</IfModule>
<IfModule !mod_ssl.c>
  LogFormat "${quoted(logFormat)}" sekisho
</IfModule>
#GlobalLog /var/log/apache2/sekisho.log sekisho
#GlobalLog /var/log/httpd/sekisho_log sekisho
`;

const quoted = (format: string): string => format.replaceAll("\\", "\\\\").replaceAll('"', '\\"');

/**
 * LogLevel stands in the section since a vhost with a LogLevel of its own ignores the server's; in here it touches nothing
 * but mod_log_debug. What Apache asks itself and its redirects to error pages would tell of one handshake twice.
 */
const openingLines = (
  message: string,
): string => `# WebSockets when they open, in the error log: Apache writes their access line only when they close. Without mod_log_debug
# (Debian: a2enmod log_debug) these lines do nothing.
<IfModule mod_log_debug.c>
  <If "%{HTTP:Upgrade} -strcmatch '*websocket*' && %{IS_SUBREQ} == 'false' && -z reqenv('REDIRECT_STATUS')">
    LogLevel log_debug:info
    LogMessage "${message}" hook=fixups
  </If>
</IfModule>
`;

/**
 * `Satisfy All` replaces what mod_access_compat knows of the place, which is safe here only because the section
 * applies to nobody but the banned. Without it a site's `Satisfy Any` lets them in.
 */
function directoryLines(directory: string): string {
  const look = ({ pattern, names }: BanFilePattern): string =>
    `%{REMOTE_ADDR} =~ /${pattern}/ && (${names.map((name) => `-f '${directory}/${name}'`).join(" || ")})`;
  const line = " \\\n  ";
  const test = [
    `-f '${directory}/%{REMOTE_ADDR}'`,
    `${line}|| (${look(IPV4_BAN_FILES)})`,
    // Asked once, so that an IPv4 client costs none of the six patterns.
    `${line}|| (%{REMOTE_ADDR} =~ /:/ && (${IPV6_BAN_FILES.map((file) => `${line}  (${look(file)})`).join(" ||")}))`,
  ].join("");
  return `# The ban directory: a file for each banned address or range, in force on the next request, without a reload.
<If "${test}">
  Require all denied
  <IfModule mod_access_compat.c>
    Satisfy All
  </IfModule>
</If>
`;
}

/**
 * `<If>` is merged after every <Location>, of vhosts too, so a site's own \`Require all granted\` does not open it.
 * Without \`AuthMerging And\` it would open everything that the sites close.
 */
const includeLines = (
  file: string,
): string => `# The settled list and long ranges, in force after a graceful reload. AuthMerging keeps closed places closed:
# do not take it away.
<If "true">
  AuthMerging And
  <RequireAll>
    Require all granted
    IncludeOptional ${file}
  </RequireAll>
</If>
`;
