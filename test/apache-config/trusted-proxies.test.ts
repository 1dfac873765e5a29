import { describe, expect, test } from "vitest";
import { messages, planned } from "./planned.ts";

const HEADER = "RemoteIPHeader X-Forwarded-For\nCustomLog /l/x combined\n";
const targets = (config: string, files = {}) =>
  planned(HEADER + config, files).plan.proxies.targets.map(({ target }) => target);

describe("trusted proxies", () => {
  test("are addresses and ranges, in all the forms that Apache takes", () => {
    const words = "192.0.2.1 10.0.0.0/8 172.16.0.0/255.240.0.0 198.51 2001:db8::1 2001:db8:1::/48";
    expect(targets(`RemoteIPInternalProxy ${words}\nRemoteIPTrustedProxy 192.0.2.1`)).toEqual([
      ...["192.0.2.1/32", "10.0.0.0/8", "172.16.0.0/12", "198.51.0.0/16"],
      ...["2001:db8::1/128", "2001:db8:1::/48"],
    ]);
  });

  test("are in lists too, with comments and blank lines", () => {
    const list = "# ours\n\n192.0.2.1 # first\n192.0.2.2\n";
    const found = targets("RemoteIPTrustedProxyList conf/list", { "etc/apache2/conf/list": list });
    expect(found).toEqual(["192.0.2.1/32", "192.0.2.2/32"]);
  });

  test("that cannot be told are named", () => {
    const config = `${HEADER}RemoteIPTrustedProxy proxy.example 300.1.1.1 0.0.0.0/0\nRemoteIPInternalProxyList gone`;
    expect(messages(planned(config))).toEqual([
      "the trusted proxy 'proxy.example' is not an address, and names are not looked up",
      "the trusted proxy '300.1.1.1' is not an address, and names are not looked up",
      "everybody is a trusted proxy here, so any client can say that it is another",
      "/etc/apache2/gone: there is no such file",
    ]);
  });

  test("that are named nowhere mean that Apache believes everybody", () => {
    expect(messages(planned(HEADER)).join()).toContain("believes the header of every client");
  });
});
