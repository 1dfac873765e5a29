import { toIso, type UnixMs } from "../model/time.ts";
import type { AuditAct, RequestAct } from "./scenes.ts";
import type { Beat } from "./timeline.ts";

export type DemoLogName = "access" | "error" | "audit";

const HOST = "chat.example";
const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** In which log, what, and how many milliseconds after the beat it is written. */
export type DemoLine = readonly [log: DemoLogName, line: string, after: number];

/** The lines that a beat leaves. `now` is the time they bear. */
export function linesOf({ client, act }: Beat, now: UnixMs): readonly DemoLine[] {
  switch (act.log) {
    case "audit":
      return [["audit", auditLine(client, act, now), 0]];
    case "access": {
      const access: DemoLine = ["access", accessLine(client, act, now), act.lifetime ?? 0];
      if (act.lifetime !== undefined) return [["error", openingLine(client, act, now), 0], access];
      return act.error === undefined ? [access] : [["error", errorLine(client, act.error, now), 0], access];
    }
  }
}

/** Sekisho's own LogFormat. */
function accessLine(client: string, act: RequestAct, now: UnixMs): string {
  const time = `${toIso(now).slice(0, 23)}000+0000`;
  const bytes = act.status === 200 ? 5_120 : 430;
  const took = act.lifetime === undefined ? 1_850 : act.lifetime * 1_000;
  const counts = `${act.status} ${took} 512 ${bytes} - - 443 ${HOST}`;
  const request = `"${act.method ?? "GET"} ${act.target} HTTP/1.1" "${HOST}" "${act.origin ?? "-"}"`;
  const socket = act.lifetime !== undefined ? '"websocket" "chat.v1"' : '"-" "-"';
  return `${time} ${client} ${client} ${counts} ${request} ${socket} "-" "${act.userAgent ?? "-"}" "${act.user ?? "-"}"`;
}

function errorLine(client: string, error: NonNullable<RequestAct["error"]>, now: UnixMs): string {
  return `${errorHead(client, `${error.module}:error`, now)} ${error.message}`;
}

/** What `sekisho apache snippet` has Apache write when a WebSocket opens. */
function openingLine(client: string, act: RequestAct, now: UnixMs): string {
  const agent = encodeURI(act.userAgent ?? "");
  const request = encodeURIComponent(`${act.method ?? "GET"} ${act.target} HTTP/1.1`);
  const fields = `client=${client} origin=${act.origin ?? ""} vhost=${HOST} host=${HOST} agent=${agent}`;
  return `${errorHead(client, "log_debug:info", now)} sekisho:opening ${fields} user=${act.user ?? ""} request=${request} .`;
}

/** Apache's default ErrorLogFormat, in UTC. */
function errorHead(client: string, level: string, now: UnixMs): string {
  const date = new Date(now);
  const day = `${WEEKDAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2, "0")}`;
  const time = `${day} ${toIso(now).slice(11, 23)}000 ${date.getUTCFullYear()}`;
  return `[${time}] [${level}] [pid 811:tid 834] [client ${client}:46817]`;
}

function auditLine(client: string, act: AuditAct, now: UnixMs): string {
  const { event, origin, detail = {} } = act;
  return JSON.stringify({ time: toIso(now), app: "chat", event, client, origin, path: "/ws/room", detail });
}
