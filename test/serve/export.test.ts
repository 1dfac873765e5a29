import { describe, expect, test } from "vitest";
import { EXPORT_FORMATS } from "../../src/model/export.ts";
import { parseTarget } from "../../src/model/ip.ts";
import { runServer } from "./running-server.ts";

describe("the export of bans", () => {
  test("each format has its own type, as a file that nobody keeps", async () => {
    const { ask, backend } = await runServer();
    await backend.ban({ target: parseTarget("203.0.113.9")!, length: null, reason: "a test" });
    const types: Record<string, string | undefined> = {};
    for (const format of EXPORT_FORMATS) {
      const { status, headers, text } = await ask(`/api/export?format=${format}`);
      expect(status).toBe(200);
      expect(text).toContain("203.0.113.9");
      expect(headers["cache-control"]).toBe("no-store");
      expect(headers["content-disposition"]).toMatch(/^attachment; filename="sekisho-bans\.[a-z.]+"$/);
      types[format] = headers["content-type"];
    }
    expect(types).toMatchObject({
      plain: "text/plain; charset=utf-8",
      csv: "text/csv; charset=utf-8; header=present",
      json: "application/json; charset=utf-8",
      stix: "application/stix+json;version=2.1",
    });
  });

  test("it needs the token, and a format that there is", async () => {
    const { ask } = await runServer();
    expect((await ask("/api/export", { as: "nobody" })).status).toBe(401);
    const { status, json } = await ask("/api/export?format=exe");
    expect(status).toBe(400);
    expect(json.error!.code).toBe("USAGE");
  });

  test("many bans arrive whole and in order", async () => {
    const { ask, backend } = await runServer();
    const targets = Array.from({ length: 5_000 }, (_, n) => `203.0.${n >> 8}.${n & 255}`);
    for (const target of targets)
      await backend.ban({ target: parseTarget(target)!, length: null, reason: "a test" });
    expect((await ask("/api/export")).text.trimEnd().split("\n")).toEqual(targets);
  });
});
