import { z } from "zod";
import { ownNamePattern } from "../model/audit.ts";
import type { AUDIT_NAMES } from "../model/event.ts";

/** The newest version of a line that is read. It grows when a field that all must understand is added, never otherwise. */
const AUDIT_VERSION = 1;

/** When an app sends which event. */
export const AUDIT_EVENTS: Readonly<Record<(typeof AUDIT_NAMES)[number], string>> = {
  "ws.open": "A WebSocket was opened.",
  "ws.close": "A WebSocket was closed; `detail` may say why and how long it was open.",
  "ws.origin_missing": "A handshake without Origin, which every browser sends.",
  "ws.origin_rejected": "A handshake whose Origin is none of the app's own.",
  "ws.rate_exceeded":
    "A client sent more messages than the app allows; once each time, not for each message.",
  "ws.message_too_large": "A message is longer than the app takes.",
  "ws.connection_limit": "A client, or a user, has as many sockets open as the app allows.",
  "ws.csrf_missing": "A handshake or first message without the CSRF token that it needs.",
  "ws.csrf_expired": "The CSRF token is too old.",
  "ws.csrf_mismatch": "The CSRF token is not the one of this session.",
  "ws.csrf_reused": "The CSRF token was used before.",
  "ws.ticket_missing": "A handshake without the ticket that it needs.",
  "ws.ticket_expired": "The ticket is too old.",
  "ws.ticket_address_mismatch": "The ticket was issued to another address.",
  "ws.ticket_replayed": "The ticket was used before.",
  "auth.failed": "A wrong password, or any other way of signing in that failed.",
  "auth.succeeded": "Somebody signed in.",
  "auth.token_expired": "A session or token is too old. Honest clients do this too.",
  "input.rejected": "Input that no honest client of the app sends: not what a person mistypes.",
};

const TWO_DIGITS_TO_59 = "[0-5][0-9]";
const YEAR = "(?:19[7-9][0-9]|[2-9][0-9]{3})";
const LEAP_YEAR =
  "(?:19(?:7[26]|8[048]|9[26])|[2-9][0-9](?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[3579][26])00)";
const DATE =
  `(?:${YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)` +
  `|02-(?:0[1-9]|1[0-9]|2[0-8]))|${LEAP_YEAR}-02-29)`;
const CLOCK = `(?:[01][0-9]|2[0-3]):${TWO_DIGITS_TO_59}:(?:${TWO_DIGITS_TO_59}|60)(?:\\.[0-9]{1,9})?`;
const timeShape = new RegExp(`^${DATE}[Tt ]${CLOCK}(?:[Zz]|[+-][0-9][0-9]:?[0-9][0-9])$`);

const BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
const IPV4 = `${BYTE}(?:\\.${BYTE}){3}`;
const GROUP = "[0-9A-Fa-f]{1,4}";
/** RFC 4291, 2.2: eight groups, or fewer around one `::`; the last two may be written as IPv4. */
const ipv6Shape = new RegExp(
  `^(?:${[
    `(?:${GROUP}:){7}${GROUP}`,
    ...[1, 2, 3, 4, 5, 6].map((before) => `(?:${GROUP}:){${before}}(?::${GROUP}){1,${7 - before}}`),
    `(?:${GROUP}:){1,7}:`,
    `:(?:(?::${GROUP}){1,7}|:)`,
    `(?:${GROUP}:){6}${IPV4}`,
    `::(?:${GROUP}:){0,5}${IPV4}`,
    ...[1, 2, 3, 4, 5].map((before) => `(?:${GROUP}:){${before}}:(?:${GROUP}:){0,${5 - before}}${IPV4}`),
  ].join("|")})$`,
);

const name = z.union([
  ...Object.entries(AUDIT_EVENTS).map(([known, when]) => z.literal(known).describe(when)),
  z.string().regex(ownNamePattern).describe("One of your own."),
]);
const text = z.union([z.string(), z.number()]).nullish();

/**
 * One line, as apps should write it. The parser is written by hand, since it is on the way of every line; a test holds that
 * it takes exactly what this takes, but for the depth of `detail`, which a schema cannot bound.
 */
export const auditEventSchema = z.looseObject({
  version: z
    .literal(AUDIT_VERSION)
    .nullish()
    .describe("The version of this schema. May be left out: then it is 1, for ever."),
  time: z.string().regex(timeShape).describe("When it happened: RFC 3339, with its zone."),
  event: name.describe("What happened."),
  client: z
    .union([z.string().regex(new RegExp(`^${IPV4}$`)), z.string().regex(ipv6Shape)])
    .describe("The client's address: whom Apache names, not a proxy of yours."),
  app: text.describe("Which app reports."),
  user: text.describe("Who was signed in, or tried to: a name or an id."),
  connection: text.describe("The app's own name of the connection."),
  origin: text.describe("The header Origin, as it was sent."),
  path: text.describe("The path that was asked for."),
  detail: z
    .record(z.string(), z.unknown())
    .nullish()
    .describe("Whatever else helps a person to judge it, at most 32 levels deep."),
});
