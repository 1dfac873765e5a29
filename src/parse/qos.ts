import { type Ip, parseIp } from "../model/ip.ts";
import type { ErrorHead } from "./error-head.ts";

/**
 * A connection that mod_qos refuses has no request yet, so Apache names no client; mod_qos does, behind its own numbers:
 * `mod_qos(031): access denied, QS_SrvMaxConnPerIP rule: max=3, concurrent connections=4, c=203.0.113.7`. Nothing in it is
 * the client's text. The address is that of the connection: behind a proxy, the proxy's.
 */
const REFUSED =
  /^mod_qos\(\d{3}\): access denied, QS_[A-Za-z]{1,40} rule: [A-Za-z0-9_=, -]{1,200}, c=([0-9A-Fa-f:.]{2,45})$/;

/** Whom mod_qos names in a line in which Apache names nobody. */
export function clientOfQos({ client, module, message }: ErrorHead): Ip | null {
  if (client !== null || module !== "qos") return client;
  const named = REFUSED.exec(message)?.[1];
  return named === undefined ? null : parseIp(named);
}
