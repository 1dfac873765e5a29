import { expect, test } from "vitest";
import { ErrorLogParser } from "../../src/parse/error-log.ts";
import { errorOf } from "./apache-lines.ts";

const utc = new ErrorLogParser("UTC");
const clientOf = (rest: string) =>
  errorOf(utc, `[Sat Nov 21 13:48:56.735265 2026] [qos:error] [pid 21783:tid 21812] ${rest}`).client;
const DENIED = "mod_qos(031): access denied, QS_SrvMaxConnPerIP rule: max=3, concurrent connections=4";

// The lines are those of a real mod_qos 11.63.
test("mod_qos names the client of a connection that it refuses in its own words", () => {
  expect(clientOf(`${DENIED}, c=203.0.113.7`)).toBe("203.0.113.7");
  expect(clientOf(`${DENIED}, c=2001:db8:5:6::1`)).toBe("2001:db8:5:6::1");
  expect(
    clientOf(
      "mod_qos(060): access denied, QS_ClientEventBlockCount rule: max=4, current=4, age=0, c=203.0.113.9",
    ),
  ).toBe("203.0.113.9");
});

test("where Apache names the client, its word counts", () => {
  const denied = "mod_qos(040): access denied, QS_DenyPath rule id: worse (\\\\.env), action=deny";
  expect(clientOf(`[client 203.0.113.12:55248] ${denied}, c=203.0.113.99, id=awGhVEoLcgbY`)).toBe(
    "203.0.113.12",
  );
});

test("what does not look like mod_qos's own words names nobody", () => {
  for (const rest of [
    `${DENIED}, c=nobody`,
    `${DENIED}, c=203.0.113.7 and more`,
    "mod_qos(031): access denied, QS_DenyPath rule: /x?a=b, c=203.0.113.7",
    `x ${DENIED}, c=203.0.113.7`,
  ])
    expect(clientOf(rest)).toBeNull();
});
