import { expect, test } from "vitest";
import { parseTarget } from "../../src/model/ip.ts";
import { Access } from "../../src/serve/auth.ts";
import { Presence } from "../../src/serve/presence.ts";
import { runServer, signIn, TestClock, TOKEN } from "./running-server.ts";

const HOUR = 3_600_000;

test("where a signed-in browser comes from is protected until it signs out", async () => {
  const running = await runServer();
  const { ask, backend } = running;
  const cookie = await signIn(running);
  // As a proxy on the same machine passes it on.
  const from = { cookie, "x-forwarded-for": "203.0.113.7, 2001:db8:1:2:3::4" };
  await ask("/api/status", { as: "nobody", headers: from });
  expect(backend.present).toEqual(["2001:db8:1:2::/64", "203.0.113.7/32"]);
  await ask("/api/status", { as: "nobody", headers: { cookie } });
  expect(backend.present).toHaveLength(2);
  const headers = { cookie, "sec-fetch-site": "same-origin" };
  expect((await ask("/api/session", { method: "DELETE", as: "nobody", headers })).status).toBe(204);
  expect(backend.present).toEqual([]);
});

test("who is not let in protects nobody, and loopback needs no protection", async () => {
  const { ask, backend } = await runServer();
  const headers = { "x-forwarded-for": "203.0.113.7" };
  expect((await ask("/api/status", { as: "nobody", headers })).status).toBe(401);
  expect((await ask("/health", { as: "nobody", headers })).status).toBe(200);
  await ask("/api/status", { headers: { "x-forwarded-for": "127.0.0.1, ::1, unknown, 203.0.113.7:80" } });
  expect(backend.present).toEqual([]);
});

test("a place is let go of when its session has idled out, and that of the token 12 hours after its last use", () => {
  const clock = new TestClock();
  const access = new Access(TOKEN, clock);
  const told: string[][] = [];
  using presence = new Presence(access, clock, (targets) => void told.push([...targets]));
  presence.note(access.byToken(TOKEN)!, "203.0.113.1", undefined);
  const id = access.redeemToken(TOKEN)!;
  clock.advance(6 * HOUR);
  presence.note(access.bySession(id)!, "203.0.113.2", undefined);
  clock.advance(6 * HOUR);
  presence.sweep();
  clock.advance(6 * HOUR);
  presence.sweep();
  presence.sweep();
  expect(told).toEqual([["203.0.113.1/32"], ["203.0.113.1/32", "203.0.113.2/32"], ["203.0.113.2/32"], []]);
});

test("however many addresses a holder of the token names, a bounded number is remembered, the newest", () => {
  const clock = new TestClock();
  const access = new Access(TOKEN, clock);
  let present: readonly string[] = [];
  using presence = new Presence(access, clock, (targets) => {
    present = targets;
  });
  for (let n = 0; n < 1_000; n++) {
    presence.note(access.byToken(TOKEN)!, undefined, `203.0.${n >> 8}.${n & 255}`);
  }
  expect(present).toHaveLength(256);
  expect(present).toContain(parseTarget(`203.0.${999 >> 8}.${999 & 255}`));
  presence.note(access.byToken(TOKEN)!, undefined, "1.1.1.1,".repeat(10_000));
  expect(present).toHaveLength(256);
});
