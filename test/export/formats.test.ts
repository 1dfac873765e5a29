import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FORMATS } from "../../src/export/formats.ts";
import { uuidOf } from "../../src/export/stix.ts";
import type { BanItem } from "../../src/model/api.ts";
import type { ExportFormat } from "../../src/model/export.ts";
import { parseTarget } from "../../src/model/ip.ts";
import { unixMs } from "../../src/model/time.ts";
import { startApache } from "../apache.ts";
import { missing } from "../requirements.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const NOW = unixMs(Date.parse("2026-11-20T12:00:00Z"));

const ban = (target: string, until: string | null, more: Partial<BanItem> = {}): BanItem => ({
  ...{ id: 1, target: parseTarget(target)!, kind: "ban", rule: "http-probing", reason: "Probing: 10 in 1m" },
  ...{ by: "rule", at: "2026-11-20T11:00:00.000Z", until, state: "active", enforcedBy: [], incident: null },
  ...more,
});
const BANS = [
  ban("192.0.2.7", "2026-11-20T13:00:00.000Z"),
  ban("198.51.100.0/24", null, { by: "person", rule: null, reason: 'scans, "again"' }),
  ban("198.51.100.9", "2027-11-20T12:00:00.000Z"),
  ban("2001:db8:1:2::/64", "2026-11-27T12:00:00.500Z"),
  ban("2001:db8::1/128", "2026-11-20T14:00:00.200Z"),
];
const exported = (format: ExportFormat, bans: Iterable<BanItem> = BANS): string =>
  [...FORMATS[format].write(bans, { now: NOW, host: "web1" })].join("");

/** A program that reads what it is given, in a network of its own. */
function inNamespace(
  script: string,
  input: string,
): { readonly status: number | null; readonly text: string } {
  const { status, stdout, stderr } = spawnSync("unshare", ["--net", "sh", "-c", script], {
    input,
    encoding: "utf8",
  });
  return { status, text: stdout + stderr };
}

describe("formats for people and programs", () => {
  test("plain has one target a line, which Sekisho reads back as the same", () => {
    const lines = exported("plain").trimEnd().split("\n");
    expect(lines).toEqual([
      "192.0.2.7",
      "198.51.100.0/24",
      "198.51.100.9",
      "2001:db8:1:2::/64",
      "2001:db8::1/128",
    ]);
    expect(lines.map(parseTarget)).toEqual(BANS.map(({ target }) => target));
  });

  test("CSV quotes what it must, and makes no formula of a reason", () => {
    const formula = ban("192.0.2.8", null, { reason: "=cmd|' /C calc'!A0" });
    expect(exported("csv", [...BANS.slice(0, 2), formula]).split("\r\n")).toEqual([
      "target,from,until,by,rule,reason",
      "192.0.2.7/32,2026-11-20T11:00:00.000Z,2026-11-20T13:00:00.000Z,rule,http-probing,Probing: 10 in 1m",
      '198.51.100.0/24,2026-11-20T11:00:00.000Z,,person,,"scans, ""again"""',
      "192.0.2.8/32,2026-11-20T11:00:00.000Z,,rule,http-probing,'=cmd|' /C calc'!A0",
      "",
    ]);
  });

  test("JSON is what the list of bans answers, all on one page", () => {
    expect(JSON.parse(exported("json"))).toEqual({ items: BANS, next: null });
    expect(JSON.parse(exported("json", []))).toEqual({ items: [], next: null });
  });

  test("what a reason hides from the eye reaches no format", () => {
    const hidden = ban("192.0.2.8", null, { reason: "a\u001b[2Jb\u202ec\r\nd" });
    const all = (Object.keys(FORMATS) as ExportFormat[]).map((format) => exported(format, [hidden]));
    expect(all.filter((text) => /[\u001b\u202e]/.test(text))).toEqual([]);
    expect(exported("csv", [hidden])).toContain("a\ufffd[2Jb\ufffdc\ufffd\ufffdd\r\n");
  });

  test("without bans each format is whole and bans nobody", () => {
    for (const format of ["plain", "apache", "nginx"] as const)
      expect(exported(format, []).replace(/^#.*\n/, "")).toBe("");
    expect(JSON.parse(exported("stix", [])).objects).toHaveLength(1);
  });

  test("nginx gets a deny for each target", () => {
    expect(exported("nginx").split("\n").slice(1, 5)).toEqual([
      "deny 192.0.2.7;",
      "deny 198.51.100.0/24;",
      "deny 198.51.100.9;",
      "deny 2001:db8:1:2::/64;",
    ]);
  });
});

describe("STIX", () => {
  const bundle = (bans: Iterable<BanItem> = BANS) =>
    JSON.parse(exported("stix", bans)) as {
      readonly id: string;
      readonly objects: readonly Record<string, unknown>[];
    };
  const UUID_5 = /--[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

  test("a bundle names who tells it, and an indicator for each ban", () => {
    const { objects } = bundle();
    expect(objects).toHaveLength(1 + BANS.length);
    expect(objects[0]).toMatchObject({ type: "identity", spec_version: "2.1", identity_class: "system" });
    expect(objects.slice(1).map(({ pattern }) => pattern)).toEqual([
      "[ipv4-addr:value = '192.0.2.7']",
      "[ipv4-addr:value ISSUBSET '198.51.100.0/24']",
      "[ipv4-addr:value = '198.51.100.9']",
      "[ipv6-addr:value ISSUBSET '2001:db8:1:2::/64']",
      "[ipv6-addr:value = '2001:db8::1']",
    ]);
    expect(objects[1]).toMatchObject({
      ...{ type: "indicator", spec_version: "2.1", pattern_type: "stix", created_by_ref: objects[0]!.id },
      ...{ valid_from: "2026-11-20T11:00:00.000Z", valid_until: "2026-11-20T13:00:00.000Z" },
      ...{ description: "Probing: 10 in 1m", labels: ["http-probing"] },
    });
    expect(objects[2]).not.toHaveProperty("valid_until");
  });

  test("ids are UUIDs of version 5, the same in each export and others for each ban and host", () => {
    const ids = [bundle(), ...bundle().objects].map(({ id }) => String(id));
    expect(ids.filter((id) => !UUID_5.test(id))).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
    expect(bundle().objects.map(({ id }) => id)).toEqual(ids.slice(1));
    const elsewhere = JSON.parse(
      [...FORMATS.stix.write(BANS, { now: NOW, host: "web2" })].join(""),
    ) as ReturnType<typeof bundle>;
    expect(elsewhere.objects.filter(({ id }) => ids.includes(String(id)))).toEqual([]);
  });

  test.skipIf(missing("python3"))("the numbers are those that Python's uuid5 gives", () => {
    const script = "import uuid; print(uuid.uuid5(uuid.UUID('4f2d1c6e9b7a4c35a8e05d3b61f7c2d9'), 'a name'))";
    const { stdout } = spawnSync("python3", ["-c", script], { encoding: "utf8" });
    expect(uuidOf("a name")).toBe(stdout.trim());
  });
});

describe("formats that other programs obey", () => {
  test.skipIf(missing("root", "netns", "nft"))("nft takes the sets, twice, each with its time", () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "bans.nft");
    writeFileSync(file, exported("nft"));
    const list = `nft --json list table inet sekisho_bans`;
    const { status, text } = inNamespace(`nft -f ${file} && nft -f ${file} && ${list}`, "");
    expect({ status, text }).toMatchObject({ status: 0 });
    type Element = {
      readonly prefix?: { readonly addr: string; readonly len: number };
      readonly elem?: { readonly val: Element | string; readonly timeout: number };
    };
    const { nftables } = JSON.parse(text) as {
      readonly nftables: readonly { readonly set?: { readonly elem: readonly (Element | string)[] } }[];
    };
    const spell = (element: Element | string): string =>
      typeof element === "string"
        ? element
        : element.prefix !== undefined
          ? `${element.prefix.addr}/${element.prefix.len}`
          : `${spell(element.elem!.val)} ${element.elem!.timeout}`;
    // 198.51.100.9 is in the /24, and an interval set takes no range in another.
    expect(nftables.flatMap(({ set }) => set?.elem.map(spell) ?? []).sort()).toEqual([
      "192.0.2.7 3600",
      "198.51.100.0/24",
      "2001:db8:1:2::/64 604801",
      "2001:db8::1 7201",
    ]);
  });

  test.skipIf(missing("root", "netns", "nft"))("nft takes 20,000 bans in one transaction", () => {
    const many = Array.from({ length: 20_000 }, (_, n) => ban(`203.0.${n >> 8}.${n & 255}`, null));
    const { status, text } = inNamespace(
      "nft -f - && nft list table inet sekisho_bans",
      exported("nft", many),
    );
    expect(status).toBe(0);
    expect(text.match(/\b203\.0\.\d+\.\d+\b/g)).toHaveLength(20_000);
  });

  test.skipIf(missing("root", "netns", "ipset"))("ipset takes the sets, twice, each with its time", () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "bans.ipset");
    writeFileSync(file, exported("ipset"));
    const { status, text } = inNamespace(
      `ipset restore < ${file} && ipset add sekisho_ipv4 203.0.113.1 && ipset restore < ${file} && ipset save`,
      "",
    );
    expect({ status, text }).toMatchObject({ status: 0 });
    const elements = text
      .split("\n")
      .flatMap((line) => {
        const match = /^add sekisho_ipv[46] (\S+) timeout (\d+)/.exec(line);
        return match === null ? [] : [[match[1]!, Number(match[2])] as const];
      })
      .sort();
    expect(elements.map(([target]) => target)).toEqual([
      "192.0.2.7",
      "198.51.100.0/24",
      "198.51.100.9",
      "2001:db8:1:2::/64",
      "2001:db8::1",
    ]);
    const times = elements.map(([, seconds]) => seconds);
    expect(times[1]).toBe(0);
    expect(times[0]).toBeGreaterThan(3_000);
    expect(times[2]).toBeGreaterThan(2_147_000);
  });

  test.skipIf(missing("root", "apache2", "netns"))(
    "Apache takes the lines, and refuses who is in them",
    async () => {
      const many = Array.from({ length: 250 }, (_, n) => ban(`203.0.113.${n}`, null));
      await using apache = await startApache({
        config: (root) => {
          writeFileSync(join(root, "bans.conf"), exported("apache", [...BANS, ...many]));
          return `<Location "/">\n<RequireAll>\nRequire all granted\nInclude ${root}/bans.conf\n</RequireAll>\n</Location>`;
        },
      });
      expect(spawnSync(apache.control, ["configtest"]).status).toBe(0);
      const status = async (from: string) => (await apache.request({ from, path: "/" })).status;
      expect(await status("192.0.2.7")).toBe(403);
      expect(await status("203.0.113.249")).toBe(403);
      expect(await status("198.51.100.77")).toBe(403);
      expect(await status("2001:db8:1:2::5")).toBe(403);
      expect(await status("192.0.2.8")).toBe(200);
      expect(await status("2001:db8::2")).toBe(200);
    },
  );
});
