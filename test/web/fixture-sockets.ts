import type { SocketHolder } from "../../src/model/api.ts";
import { HOSTILE } from "./fixture-data.ts";

const ago = (seconds: number): string => new Date(Date.now() - seconds * 1_000).toISOString();

const holder = (client: string, open: number, fields: Partial<SocketHolder> = {}): SocketHolder => ({
  client,
  origin: "https://app.example.com",
  host: "app.example.com",
  path: "/ws/chat",
  open,
  firstOpenedAt: ago(7_300),
  lastOpenedAt: ago(140),
  foreign: false,
  banned: false,
  incident: null,
  ...fields,
});

/** A storm from another site, a script without an Origin, and people with a few tabs. */
export const sockets = (): SocketHolder[] => [
  holder("203.0.113.19", 240, {
    origin: "https://evil.example",
    firstOpenedAt: ago(95),
    lastOpenedAt: ago(4),
    foreign: true,
    banned: true,
    incident: 41,
  }),
  holder("2001:db8:40:2:9c1e:77ff:fe12:88a1", 24, { origin: null, path: "/ws/", lastOpenedAt: ago(31) }),
  holder("198.51.100.80", 4),
  holder("192.0.2.55", 2, { path: "/ws/rooms/4f1c9a52-2f0d-4d55-9b93-1f24c6be0d7e/events" }),
  holder("192.0.2.66", 1, {
    origin: HOSTILE.bidi.slice(62),
    path: `/ws/${"%2e%2e/".repeat(60)}`,
    firstOpenedAt: ago(1_000),
    lastOpenedAt: ago(1_000),
  }),
];
