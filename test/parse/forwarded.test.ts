import { describe, expect, test } from "vitest";
import { parseIp, parseTarget, type Target, TargetSet } from "../../src/model/ip.ts";
import { createMixedParser, createParser } from "../../src/parse/formats.ts";
import { ForwardedClients } from "../../src/parse/forwarded.ts";
import { accessOf, escapeLogItem } from "./apache-lines.ts";

const set = (...targets: string[]) => new TargetSet(targets.map((text) => parseTarget(text) as Target));
const trustedProxies = set("198.51.100.1", "10.0.0.0/8", "2001:db8:1::/48");
const FORMAT = '%a %t %>s "%r" "%{X-Forwarded-For}i"';
const line = (sender: string, forwarded: string) =>
  `${sender} [20/Nov/2026:22:01:30 +0000] 403 "GET / HTTP/1.1" "${escapeLogItem(forwarded)}"`;
const json = (sender: string, forwarded: string | null) =>
  JSON.stringify({ client: sender, time: "2026-11-20T22:01:30Z", status: 403, forwardedFor: forwarded });

const access = createParser("access", FORMAT, "UTC", { trustedProxies });
const object = createParser("access", "json", "UTC", { trustedProxies });
const mixed = createMixedParser(FORMAT, "UTC", { trustedProxies });
/** What every parser that shows the header takes for the client. */
function clientOf(sender: string, forwarded: string): string {
  const client = accessOf(access, line(sender, forwarded)).client;
  expect(accessOf(object, json(sender, forwarded)).client).toBe(client);
  expect(accessOf(mixed, line(sender, forwarded)).client).toBe(client);
  return client;
}

describe("behind a trusted proxy", () => {
  test.each([
    ["the one address", "203.0.113.7", "203.0.113.7"],
    ["the right-most that is no proxy", "9.9.9.9, 203.0.113.7, 10.1.2.3", "203.0.113.7"],
    [
      "what stands left of it is the client's own text",
      '" \\ <script>, unknown,, 203.0.113.7',
      "203.0.113.7",
    ],
    ["without spaces", "9.9.9.9,203.0.113.7", "203.0.113.7"],
    ["with more of them", " 9.9.9.9 ,\t203.0.113.7  ", "203.0.113.7"],
    ["IPv6", "2001:db8:f::7", "2001:db8:f::7"],
    ["IPv6 written at length", "2001:0DB8:000F:0:0:0:0:7", "2001:db8:f::7"],
    ["IPv4 as IPv6", "::ffff:203.0.113.7", "203.0.113.7"],
    ["several families", "2001:db8:f::7, 2001:db8:1::9, 10.0.0.1", "2001:db8:f::7"],
  ])("the client is %s", (_, forwarded, client) => {
    expect(clientOf("198.51.100.1", forwarded)).toBe(client);
  });

  test.each([
    ["nothing", ""],
    ["not sent", "-"],
    ["rubbish", "203.0.113.7, rubbish"],
    ["unknown", "203.0.113.7, unknown"],
    ["a port", "203.0.113.7:4711"],
    ["a port of IPv6", "[2001:db8:f::7]:443"],
    ["brackets", "[2001:db8:f::7]"],
    ["a zone", "fe80::1%eth0"],
    ["an empty part", "203.0.113.7,"],
    ["an empty part between", "203.0.113.7, , 10.0.0.1"],
    ["a name", "203.0.113.7, client.example"],
    ["another header's form", "for=203.0.113.7"],
    ["an octal number", "0203.0.113.7"],
    ["a range", "203.0.113.0/24"],
    ["a quote", '"203.0.113.7"'],
    ["a line end", "203.0.113.7\n"],
    ["proxies only", "10.0.0.2, 10.0.0.1"],
  ])("it stays the proxy, whom nobody bans: %s", (_, forwarded) => {
    expect(clientOf("198.51.100.1", forwarded)).toBe("198.51.100.1");
  });

  test("a proxy with an IPv6 address is one too", () => {
    expect(clientOf("2001:db8:1:2::3", "203.0.113.7")).toBe("203.0.113.7");
  });
});

test.each(["203.0.113.7", "2001:db8:f::7", "198.51.100.2"])(
  "from %s, which is no proxy, nothing is believed",
  (sender) => {
    expect(clientOf(sender, "9.9.9.9")).toBe(sender);
    expect(clientOf(sender, "9.9.9.9, 10.0.0.1")).toBe(sender);
  },
);

test("lines of a proxy and of others may follow each other", () => {
  const clients = ["198.51.100.1", "203.0.113.9", "198.51.100.1", "10.9.9.9"].map((sender) =>
    clientOf(sender, "203.0.113.7"),
  );
  expect(clients).toEqual(["203.0.113.7", "203.0.113.9", "203.0.113.7", "203.0.113.7"]);
});

test("where no proxy is trusted, and where the format does not show the header, the sender is the client", () => {
  expect(accessOf(createParser("access", FORMAT, "UTC"), line("198.51.100.1", "203.0.113.7")).client).toBe(
    "198.51.100.1",
  );
  const combined = createParser("access", "combined", "UTC", { trustedProxies });
  const text = '198.51.100.1 - - [20/Nov/2026:22:01:30 +0000] "GET / HTTP/1.1" 403 5 "-" "203.0.113.7"';
  expect(accessOf(combined, text).client).toBe("198.51.100.1");
});

test("outside quotes, beside a user name with a space, the header is not believed", () => {
  const bare = createParser("access", '%{X-Forwarded-For}i %a %u %t "%r" %>s', "UTC", { trustedProxies });
  const read = (forwarded: string, user: string) =>
    `${forwarded} 198.51.100.1 ${user} [20/Nov/2026:22:01:30 +0000] "GET / HTTP/1.1" 403`;
  expect(accessOf(bare, read("203.0.113.7", "-")).client).toBe("203.0.113.7");
  for (const [forwarded, user] of [
    ["203.0.113.7, 10.0.0.1", "-"],
    ["203.0.113.7", "9.9.9.9 x"],
    ["9.9.9.9 198.51.100.1", "x"],
  ] as const) {
    const event = bare.parse(read(forwarded, user), 7, 0 as never);
    expect(event.kind === "access" ? event.client : event.kind).toBe("unparsed");
  }
});

describe("a header of a mebibyte is read in a moment", () => {
  const MANY = 1 << 20;
  const clients = new ForwardedClients(trustedProxies);
  const sender = parseIp("10.0.0.1")!;

  test.each([
    ["blanks within a piece", `x${" ".repeat(MANY)}y, 10.0.0.2`, "10.0.0.1"],
    ["blanks before an address", `9.9.9.9,${" ".repeat(MANY)}203.0.113.7\t `, "203.0.113.7"],
    ["blanks behind an address", `9.9.9.9, 203.0.113.7${"\t".repeat(MANY)}`, "203.0.113.7"],
    ["blanks only", " ".repeat(MANY), "10.0.0.1"],
    ["commas only", ",".repeat(MANY), "10.0.0.1"],
    ["one long piece", "1".repeat(MANY), "10.0.0.1"],
    ["colons", `${":".repeat(MANY)}, 10.0.0.2`, "10.0.0.1"],
    ["proxies of ours", `203.0.113.7${", 10.0.0.2".repeat(MANY / 10)}`, "203.0.113.7"],
    [
      "the longest spelling of an address",
      "2001:0db8:000f:0000:0000:0000:203.200.113.107",
      "2001:db8:f::cbc8:716b",
    ],
  ])("%s", (_, forwarded, client) => expect(clients.clientOf(sender, forwarded)).toBe(client));
});
