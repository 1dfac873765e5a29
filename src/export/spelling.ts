import { isIpv4, isSingle, type Target } from "../model/ip.ts";
import { withoutUnsafe } from "../model/safe-text.ts";

/** An address without its length, a range with it. */
export const barely = (target: string): string =>
  isSingle(target as Target) ? target.slice(0, target.indexOf("/")) : target;

/** The same, but for an IPv6 address: where these lists are read again a bare one stands for its /64. */
export const plainly = (target: string): string => (isIpv4(target) ? barely(target) : target);

/** Reasons may quote what a client sent: nothing in them may steer a terminal or turn text around. */
export const harmless = (text: string): string => withoutUnsafe(text, "\ufffd");
