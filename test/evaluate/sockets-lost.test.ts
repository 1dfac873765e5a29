import { describe, expect, test } from "vitest";
import { Sockets } from "../../src/evaluate/sockets.ts";
import type { LogEvent } from "../../src/model/event.ts";
import { ErrorLogParser } from "../../src/parse/error-log.ts";
import { errorEvent, opening, socketEnd } from "./events.ts";
import { CLIENT } from "./socket-rules.ts";

describe("when Apache stops", () => {
  const server = (seconds: number, code: string) => ({
    ...errorEvent(null, seconds, code),
    module: "mpm_event",
  });
  const kinds = (...events: LogEvent[]) => new Sockets().follow(events).map(({ kind }) => kind);

  test.each(["AH00489", "AH00163", "AH00292", "AH00491"])("what was open is lost with %s", (code) => {
    const changes = new Sockets().follow([opening(CLIENT, 0), server(9, code)]);
    expect(changes.at(-1)).toEqual({ kind: "lost", openedBefore: server(9, code).time });
  });

  test("what a script writes that sounds like it is not believed", () => {
    const line = (head: string) =>
      new ErrorLogParser("UTC").parse(
        `[Fri Nov 20 12:00:09.000000 2026] ${head}AH00491: caught`,
        2,
        server(9, "").time,
      );
    const lost = (head: string) => kinds(opening(CLIENT, 0), line(head)).includes("lost");
    expect(
      ["[mpm_event:notice] [pid 7:tid 7] ", "[mpm_prefork:notice] [pid 7] ", "[notice] [pid 7] "].map(lost),
    ).toEqual([true, true, true]);
    expect(
      [
        "[php:notice] [pid 7] [client 192.0.2.9:5] ",
        "[:error] [pid 7] [client 192.0.2.9:5] ",
        "[wsgi:error] [pid 7] ",
      ].map(lost),
    ).toEqual([false, false, false]);
  });

  test("a graceful reload leaves sockets open, and the next hard start does not", () => {
    const reload = [server(8, "AH00493"), server(9, "AH00489")];
    expect(kinds(opening(CLIENT, 0), ...reload)).toEqual(["opened"]);
    expect(kinds(opening(CLIENT, 0), ...reload, server(20, "AH00489"))).toEqual(["opened", "lost"]);
  });

  test("an opening from before the start that is read after it is lost, too", () => {
    expect(kinds(server(9, "AH00489"), opening(CLIENT, 0))).toEqual(["lost", "opened", "lost"]);
    expect(kinds(server(9, "AH00489"), opening(CLIENT, 10))).toEqual(["lost", "opened"]);
  });

  test("a line at the end that comes all the same is not judged again", () => {
    const late = socketEnd(CLIENT, 0);
    expect(kinds(opening(CLIENT, 0), server(9, "AH00489"), late)).toEqual(["opened", "lost", "closed"]);
    expect(late.second).toBe(true);
  });
});
