import { type Ip, type Subject, subjectOf } from "./ip.ts";

/**
 * A subject in memory. An IPv4 address is a number, which is found faster than a text and has nothing to keep; a /64 is
 * its groups without the zeros behind them (`2001:db8:1:2`, or `2001:db8` for 2001:db8::/64). Any other is its text, which
 * has a slash or an equals sign in it.
 */
export type SubjectKey = number | string;

const DOT = 46;
const COLON = 58;
const IPV6_ENDING = "::/64";

export function keyOf(client: Ip): SubjectKey {
  let value = 0;
  let part = 0;
  for (let at = 0; at < client.length; at++) {
    const code = client.charCodeAt(at);
    if (code >= COLON) return ipv6Key(client);
    if (code !== DOT) {
      part = part * 10 + code - 48;
      continue;
    }
    value = (value << 8) | part;
    part = 0;
  }
  return (value << 8) | part;
}

/** Where four groups are written out and the fourth is not zero they are the key; else there are several spellings. */
function ipv6Key(client: Ip): string {
  let end = -1;
  let start = 0;
  for (let group = 0; group < 4; group++) {
    start = end + 1;
    end = client.indexOf(":", start);
    if (end === start) return keyOfPrefix(subjectOf(client));
  }
  return end - start === 1 && client[start] === "0" ? keyOfPrefix(subjectOf(client)) : client.slice(0, end);
}

const keyOfPrefix = (subject: Subject): string => subject.slice(0, -IPV6_ENDING.length);

export function keyOfSubject(subject: Subject): SubjectKey {
  if (subject.includes("=")) return subject;
  if (subject.endsWith(IPV6_ENDING)) return keyOfPrefix(subject);
  return subject.includes("/") ? subject : keyOf(subject as string as Ip);
}

export function subjectOfKey(key: SubjectKey): Subject {
  if (typeof key === "string") return (isItsText(key) ? key : `${key}${IPV6_ENDING}`) as Subject;
  return [key >>> 24, (key >>> 16) & 255, (key >>> 8) & 255, key & 255].join(".") as Subject;
}

const isItsText = (key: string): boolean => key.includes("=") || key.includes("/");
