import { styleText } from "node:util";
import { printable, printableJson } from "../model/safe-text.ts";
import type { CliContext } from "./context.ts";

/** A message of several lines, as one about a configuration is: each further one below `problem: `. */
export const printableLines = (text: string): string => text.split("\n").map(printable).join("\n         ");

/** JSON that is also safe to look at: what `printable` would escape is escaped as JSON does it. */
export const jsonText = (value: unknown, indent = 2): string =>
  printableJson(JSON.stringify(value, null, indent));

export const writeJson = (context: CliContext, value: unknown): void =>
  context.stdout(`${jsonText(value)}\n`);

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Paints for a terminal, and leaves text alone for anything else or where NO_COLOR is set. */
export function painter(context: CliContext): (style: Style, text: string) => string {
  const colours = context.isTTY && !context.env.NO_COLOR && context.env.TERM !== "dumb";
  return (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text);
}

/** A count for people: `1,234 lines`, `1 line`. */
export const count = (amount: number, noun: string): string =>
  `${amount.toLocaleString("en")} ${noun}${amount === 1 ? "" : "s"}`;

/** A time for people: `2026-11-20 12:00 UTC`. */
export const moment = (time: string): string => `${time.slice(0, 16).replace("T", " ")} UTC`;

/** A span for people, two units at most: `3h 12m`, `45s`. */
export function span(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ] as const;
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first === -1) return "0s";
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount}${unit}`)
    .join(" ");
}

/** Bytes for people: `1.5 GiB`. */
export function size(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  const amount = bytes / 1024 ** power;
  return `${power === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${units[power]}`;
}
