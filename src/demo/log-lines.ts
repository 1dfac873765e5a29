import { toIso, type UnixMs } from "../model/time.ts";
import type { AuditAct, RequestAct } from "./scenes.ts";
import type { Beat } from "./timeline.ts";

export type DemoLogName = "access" | "error" | "audit";

const HOST = "chat.example";
const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** The lines that a beat leaves, and in which log. `now` is the time they bear. */
export function linesOf({ client, act }: Beat, now: UnixMs): readonly [DemoLogName, string][] {
  switch (act.log) {
    case "audit":
      return [["audit", auditLine(client, act, now)]];
    case "access": {
      const access: [DemoLogName, string] = ["access", accessLine(client, act, now)];
      return act.error === undefined ? [access] : [["error", errorLine(client, act.error, now)], access];
    }
  }
}

/** Sekisho's own LogFormat. */
function accessLine(client: string, act: RequestAct, now: UnixMs): string {
  const time = `${toIso(now).slice(0, 23)}000+0000`;
  const bytes = act.status === 200 ? 5_120 : 430;
  const counts = `${act.status} ${act.upgrade ? 2_400_000 : 1_850} 512 ${bytes} - - 443 ${HOST}`;
  const request = `"${act.method ?? "GET"} ${act.target} HTTP/1.1" "${HOST}" "${act.origin ?? "-"}"`;
  const socket = act.upgrade ? '"websocket" "chat.v1"' : '"-" "-"';
  return `${time} ${client} ${client} ${counts} ${request} ${socket} "-" "${act.userAgent ?? "-"}" "${act.user ?? "-"}"`;
}

/** Apache's default ErrorLogFormat, in UTC. */
function errorLine(client: string, error: NonNullable<RequestAct["error"]>, now: UnixMs): string {
  const date = new Date(now);
  const day = `${WEEKDAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2, "0")}`;
  const time = `${day} ${toIso(now).slice(11, 23)}000 ${date.getUTCFullYear()}`;
  return `[${time}] [${error.module}:error] [pid 811:tid 834] [client ${client}:46817] ${error.message}`;
}

function auditLine(client: string, act: AuditAct, now: UnixMs): string {
  const { event, origin, detail = {} } = act;
  return JSON.stringify({ time: toIso(now), app: "chat", event, client, origin, path: "/ws/room", detail });
}
