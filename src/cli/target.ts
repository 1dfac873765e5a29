import { SekishoError } from "../model/errors.ts";
import { parseIp, parseTarget, prefixOf, type Target } from "../model/ip.ts";
import { type DurationMs, parseDuration } from "../model/time.ts";

/** The target that a person wrote. Throws TARGET_INVALID. */
export function readTarget(text: string): Target {
  const target = parseTarget(text);
  if (target !== null) return target;
  throw new SekishoError(
    "TARGET_INVALID",
    `'${text}' is not an address or a CIDR range`,
    "write 192.0.2.7, 192.0.2.0/24, 2001:db8::1 (means its /64) or 2001:db8::1/128",
  );
}

/** The target, with what a person wrote where that names a host of the range. */
export function shownTarget(target: Target, written: string): string {
  const [address, bits] = written.split("/");
  const isNetwork = bits === undefined || parseIp(address!) === prefixOf(target).address;
  return isNetwork ? target : `${target} (from ${written})`;
}

/** The length of time that a person wrote. Throws USAGE. */
export function readLength(text: string): DurationMs {
  const length = parseDuration(text);
  if (length !== null) return length;
  throw new SekishoError(
    "USAGE",
    `'${text}' is not a length of time`,
    "write a number and s, m, h, d or w (90s, 4h, 2w), or permanent",
  );
}
