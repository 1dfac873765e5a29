import { expect, test } from "vitest";
import { Ledger } from "../../src/decide/ledger.ts";
import type { AccessEvent } from "../../src/model/event.ts";
import { type DurationMs, NEVER } from "../../src/model/time.ts";
import { access, at, errorEvent } from "../evaluate/events.ts";
import { target } from "../evaluate/findings.ts";

const DAY = 86_400_000 as DurationMs;

/** A ledger in which 192.0.2.7 and 2001:db8::/64 are banned from second 100 to 200. */
function banned({ enforcing = true } = {}) {
  const ledger = new Ledger(DAY, () => enforcing);
  for (const text of ["192.0.2.7", "2001:db8::/64"])
    ledger.record({ target: target(text), at: at(100), until: at(200) }, at(100));
  return ledger;
}
const request = (seconds: number, fields: Partial<AccessEvent> = {}, client = "192.0.2.7") =>
  access(client, seconds, fields);

test("requests that are answered while a ban runs are told by ban, with where and when", () => {
  const events = [
    request(110, { path: "/a", vhost: "site.example" }),
    request(120, { status: 404 }),
    request(115, { status: 101 }),
    request(130, {}, "2001:db8::5"),
    request(130, {}, "192.0.2.8"),
  ];
  expect(banned().passing(events, at(140))).toEqual([
    {
      target: "192.0.2.7/32",
      requests: 3,
      certain: 2,
      earliest: at(110),
      latest: at(120),
      path: "/a",
      vhost: "site.example",
    },
    {
      target: "2001:db8::/64",
      requests: 1,
      certain: 1,
      earliest: at(130),
      latest: at(130),
      path: "/",
      vhost: null,
    },
  ]);
});

test.each([
  ["refused", request(110, { status: 403 })],
  ["asked for a password", request(110, { status: 401 })],
  ["redirected by the vhost", request(110, { status: 301 })],
  ["not readable", request(110, { status: 400 })],
  ["OPTIONS *", request(110, { method: "OPTIONS", path: "*" })],
  ["TRACE", request(110, { method: "TRACE" })],
  ["from before the ban", request(99)],
  ["from after it", request(201)],
  ["an error line", errorEvent("192.0.2.7", 110, "AH00128")],
])("a request that is %s came not through", (_, event) => {
  expect(banned().passing([event], at(140))).toEqual([]);
});

test("nothing is told of a ban that has ended by now, nor in observe mode", () => {
  expect(banned().passing([request(110)], at(201))).toEqual([]);
  expect(banned({ enforcing: false }).passing([request(110)], at(140))).toEqual([]);
  const lifted = banned();
  expect(lifted.passing([request(110)], at(140))).toHaveLength(1);
  lifted.revoke(target("192.0.2.7"), at(150));
  expect(lifted.passing([request(110)], at(151))).toEqual([]);
});

test("who is banned after having been asked for, or no more, is known as such", () => {
  const ledger = banned();
  const other = request(300, {}, "198.51.100.1");
  expect(ledger.passing([other], at(300))).toEqual([]);
  ledger.record({ target: target("198.51.100.0/24"), at: at(290), until: NEVER }, at(290));
  expect(ledger.passing([other], at(300))).toMatchObject([{ target: "198.51.100.0/24" }]);
});

test("an attack by thousands is told in part", () => {
  const ledger = banned();
  ledger.record({ target: target("198.18.0.0/15"), at: at(0), until: NEVER }, at(0));
  const events = Array.from({ length: 500 }, (_, n) => request(110, {}, `203.0.113.${n % 250}`));
  for (let n = 0; n < 250; n++)
    ledger.record({ target: target(`203.0.113.${n}`), at: at(0), until: NEVER }, at(0));
  expect(ledger.passing(events, at(140))).toHaveLength(100);
});
