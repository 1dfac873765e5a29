import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { download, failure, shown } from "../../src/download/download.ts";
import { webServer } from "./web-server.ts";

const BOTH = ["127.0.0.1", "127.0.0.2"].map((address) => ({ address, family: 4 }));
const LIMITS = { mostBytes: 1_000 };

describe("a download", () => {
  test("ends at what is too long, too slow, or elsewhere", async () => {
    using web = await webServer({
      "/good": "a list",
      "/long": "x".repeat(1_001),
      "/bomb": { body: gzipSync("x".repeat(100_000)), headers: { "content-encoding": "gzip" } },
      "/slow": "silence",
      "/moved": 302,
      "/gone": 410,
      "/unasked": 304,
    });
    const got = await download(`${web.url}/good`, LIMITS);
    expect(got.kind === "new" && got.bytes.toString()).toBe("a list");
    await expect(download(`${web.url}/long`, LIMITS)).rejects.toThrow(/longer than 1000 bytes/);
    await expect(download(`${web.url}/bomb`, LIMITS)).rejects.toThrow(/longer than 1000 bytes/);
    await expect(download(`${web.url}/slow`, { ...LIMITS, timeLimitMs: 200 })).rejects.toThrow(/abort|time/i);
    await expect(download(`${web.url}/moved`, LIMITS)).rejects.toThrow(/answered 302: it leads elsewhere/);
    await expect(download(`${web.url}/gone`, LIMITS)).rejects.toThrow(/answered 410$/);
    await expect(download(`${web.url}/unasked`, LIMITS)).rejects.toThrow(/answered 304/);
  });

  test("asks for nothing that it has", async () => {
    using web = await webServer({
      "/tagged": { body: "a list", headers: { etag: '"7"' } },
      "/dated": { body: "a list", headers: { "last-modified": "Fri, 20 Nov 2026 12:00:00 GMT" } },
    });
    for (const path of ["/tagged", "/dated"]) {
      const first = await download(web.url + path, LIMITS);
      const known = first.kind === "new" ? first.validators : null;
      expect(await download(web.url + path, { ...LIMITS, known })).toEqual({ kind: "unchanged" });
    }
  });

  test("that failed says why in one short line, also where each address of a host refused", async () => {
    const bothRefuse = new Promise((_resolve, reject) => {
      // The port of no service, at both addresses that the name has.
      const socket = connect({
        port: 1,
        host: "two.example",
        autoSelectFamily: true,
        lookup: (_name, _options, told) => told(null, BOTH),
      });
      socket.once("error", reject);
    });
    const cause: unknown = await bothRefuse.catch((error: unknown) => error);
    const told = failure(new TypeError("fetch failed", { cause }));
    expect(told).toMatch(
      /^fetch failed \(connect E[A-Z]+ 127\.0\.0\.1:1.*; connect E[A-Z]+ 127\.0\.0\.2:1.*\)$/,
    );
    const long = new Error(`certificate of ${"DNS:name.example, ".repeat(1_000)}`);
    expect(failure(new TypeError("fetch\nfailed", { cause: long }))).toMatch(
      /^fetch failed \(certificate.{0,300}$/,
    );
  });

  test("what stands behind a path is not shown, as it may be a key", () => {
    expect(shown("https://lists.example/bad.txt?key=secret#a")).toBe("https://lists.example/bad.txt");
  });
});
