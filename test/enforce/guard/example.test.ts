import { join } from "node:path";
import { expect, test } from "vitest";
import { GuardChannel } from "../../../src/enforce/guard/channel.ts";
import { Guard } from "../../../src/enforce/guard/guard.ts";
import { unixMs } from "../../../src/model/time.ts";
import { temporaryFolder } from "../../temporary-folder.ts";
import { block } from "../blocks.ts";
import { startSampleApp } from "./sample-app.ts";

const PATIENT = { timeout: 60_000 };

test("the app of docs/guard.md knows an address by every spelling, and takes rubbish for nobody's", async () => {
  using folder = temporaryFolder();
  const place = { path: join(folder.path, "guard.sock"), group: null, mode: 0o660 };
  using channel = new GuardChannel();
  const guard = new Guard(place, channel);
  await guard.reconcile([block("198.51.100.0/24"), block("2001:db8:0:5::/64"), block("203.0.113.7")]);
  await using app = await startSampleApp(folder.path, place.path);
  await expect.poll(() => app.status("203.0.113.7"), PATIENT).toBe(403);
  const refused = [
    "::ffff:198.51.100.9",
    "::FFFF:c633:6409",
    "0:0:0:0:0:ffff:198.51.100.9",
    "2001:DB8:0:5::1",
    "2001:db8::5:0:0:0:1",
    "2001:0db8:0000:0005:0000:0000:0000:0001",
    "2001:db8:0:5::1%eth0",
    "192.0.2.1, 203.0.113.7",
  ];
  for (const address of refused) expect(await app.status(address), address).toBe(403);
  const free = [
    "::198.51.100.9",
    "198.51.101.9",
    "2001:db8:5::1",
    "203.0.113.7, 192.0.2.1",
    "198.51.100.9:80",
    "x",
    "::",
  ];
  for (const address of free) expect(await app.status(address), address).toBe(200);
});

test("what it holds ends by itself while Sekisho is away, and a new Sekisho's list takes its place", async () => {
  using folder = temporaryFolder();
  const place = { path: join(folder.path, "guard.sock"), group: null, mode: 0o660 };
  const app = await (async () => {
    using channel = new GuardChannel();
    const soon = unixMs(Date.now() + 1_500);
    await new Guard(place, channel).reconcile([block("203.0.113.7", soon), block("203.0.113.8")]);
    const started = await startSampleApp(folder.path, place.path);
    await expect.poll(() => started.status("203.0.113.8"), PATIENT).toBe(403);
    return started;
  })();
  await using _app = app;
  await expect.poll(() => app.status("203.0.113.7"), PATIENT).toBe(200);
  expect(await app.status("203.0.113.8")).toBe(403);
  using channel = new GuardChannel();
  await new Guard(place, channel).reconcile([block("203.0.113.9")]);
  await expect.poll(() => app.status("203.0.113.9"), PATIENT).toBe(403);
  expect(await app.status("203.0.113.8")).toBe(200);
});
