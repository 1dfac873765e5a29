/**
 * Apache's own formats by the names that its documentation gives them. Debian's `combined` and `vhost_combined`
 * write %O where these say %b; both are one number, and `bytes` is what the column says.
 */
const COMMON = '%h %l %u %t "%r" %>s %b';
const COMBINED = `${COMMON} "%{Referer}i" "%{User-Agent}i"`;

/** What Sekisho asks Apache to write: everything that the rules look at, and the user name in quotes. */
export const SEKISHO_LOG_FORMAT = sekishoFormat("%p");

/** The same where mod_ssl is loaded: without it Apache does not start with a LogFormat that asks for TLS. */
export const SEKISHO_TLS_LOG_FORMAT = sekishoFormat("%p %{SSL_PROTOCOL}x");

function sekishoFormat(port: string): string {
  const first = `%{%Y-%m-%dT%H:%M:%S}t.%{usec_frac}t%{%z}t %a %{c}a %>s %D %I %O %X %L ${port} %v`;
  return `${first} "%r" "%{Host}i" "%{Origin}i" "%{Upgrade}i" "%{Sec-WebSocket-Protocol}i" "%{Referer}i" "%{User-Agent}i" "%u"`;
}

/** Most specific first: a line of one never reads as a line of those behind it. */
export const NAMED_FORMATS: Readonly<Record<string, string>> = {
  sekisho: SEKISHO_LOG_FORMAT,
  vhost_combined: `%v:%p ${COMBINED}`,
  combined: COMBINED,
  common: COMMON,
};

/** Headers that more rules ask for than not. */
const ASKED_FOR = ["Referer", "User-Agent"];

/** Those of them that an access log in this format, a name or a LogFormat string, does not show. */
export function headersNotShown(format: string): readonly string[] {
  const pattern = (Object.hasOwn(NAMED_FORMATS, format) ? NAMED_FORMATS[format]! : format).toLowerCase();
  return pattern.includes("%")
    ? ASKED_FOR.filter((name) => !pattern.includes(`{${name.toLowerCase()}}i`))
    : [];
}
