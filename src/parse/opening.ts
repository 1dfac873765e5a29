import type { OpeningEvent } from "../model/event.ts";
import { parseWrittenIp } from "../model/ip.ts";
import { splitSentRequest } from "./request.ts";

const NAME = "sekisho:opening";
/** Apache cuts a message at 8 KB. One without its end is not taken for an opening, so that its access line is judged. */
const END = ".";
/**
 * What is asked of Apache, in this order. `escape` leaves neither spaces nor quotes nor line ends, so nothing that a
 * client sends looks like the next field. The client is named again since the log calls HTTP/2's `remote`.
 * Sec-WebSocket-Protocol is left out: apps put access tokens into it.
 */
const FIELDS = [
  ["client", "%{REMOTE_ADDR}"],
  ["origin", "%{escape:%{HTTP:Origin}}"],
  ["vhost", "%{escape:%{SERVER_NAME}}"],
  ["host", "%{escape:%{HTTP:Host}}"],
  ["agent", "%{escape:%{HTTP:User-Agent}}"],
  ["user", "%{escape:%{REMOTE_USER}}"],
  ["request", "%{escape:%{THE_REQUEST}}"],
] as const;
type FieldName = (typeof FIELDS)[number][0];

/** The message that mod_log_debug writes when a WebSocket opens, for Apache's LogMessage. */
export const OPENING_MESSAGE = [NAME, ...FIELDS.map(([name, source]) => `${name}=${source}`), END].join(" ");

/** What a message of mod_log_debug's tells of an opening; null when it is not Sekisho's or was cut. */
export function openingOf(
  message: string,
): Omit<OpeningEvent, "kind" | "time" | "source" | "line" | "second" | "openSockets"> | null {
  if (!message.startsWith(`${NAME} `)) return null;
  const words = message.split(" ", FIELDS.length + 3);
  if (words.length !== FIELDS.length + 2 || words[words.length - 1] !== END) return null;
  const values = {} as Record<FieldName, string>;
  for (const [index, [name]] of FIELDS.entries()) {
    const word = words[index + 1]!;
    if (!word.startsWith(`${name}=`)) return null;
    values[name] = decoded(word.slice(name.length + 1));
  }
  const client = parseWrittenIp(values.client);
  if (client === null) return null;
  const request = splitSentRequest(values.request);
  return {
    client,
    ...request,
    userAgent: values.agent || null,
    origin: values.origin || null,
    host: values.host || null,
    user: values.user || null,
    vhost: values.vhost,
  };
}

/** Undoes what `%{escape:}` does to bytes. */
const decoded = (value: string): string =>
  value.includes("%")
    ? value.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : value;
