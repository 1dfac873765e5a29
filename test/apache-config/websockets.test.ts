import { describe, expect, test } from "vitest";
import { messages, type Planned, planned } from "./planned.ts";

const found = ({ plan }: Planned) => plan.webSockets.map(({ path, backend }) => [path, backend]);
const origins = ({ plan }: Planned) => plan.origins.map(({ origin }) => origin);
const site = (lines: string, where = "*:443", names = "ServerName a.example") =>
  `<VirtualHost ${where}>\n${names}\nCustomLog /l/a rich\n${lines}\n</VirtualHost>\n`;
const PASS = "ProxyPass /ws ws://127.0.0.1:9/";

describe("a place where WebSockets are passed on", () => {
  test.each([
    ["ProxyPass to ws://", "ProxyPass /ws ws://b:9/", "/ws", "ws://b:9/"],
    ["ProxyPass to wss://", 'ProxyPass "/ws" "wss://b/" retry=0', "/ws", "wss://b/"],
    ["upgrade=websocket", "ProxyPass /ws http://b/ upgrade=websocket", "/ws", "http://b/"],
    ["upgrade=ANY", "ProxyPass / http://b/ timeout=9 upgrade=ANY", "/", "http://b/"],
    ["ProxyPassMatch", "ProxyPassMatch ^/ws/(.*)$ ws://b/$1", "^/ws/(.*)$", "ws://b/$1"],
    ["a Location", "<Location /ws>\nProxyPass ws://b/\n</Location>", "/ws", "ws://b/"],
    [
      "a Location around an If",
      "<Location /ws>\n<If true>\nProxyPass ws://b/\n</If>\n</Location>",
      "/ws",
      "ws://b/",
    ],
    ["RewriteRule to ws://", "RewriteRule ^/ws/(.*) ws://b/$1 [P,L]", "^/ws/(.*)", "ws://b/$1"],
    [
      "RewriteCond on Upgrade",
      "RewriteCond %{HTTP:Upgrade} websocket [NC]\nRewriteCond %{HTTP:Connection} upgrade [NC]\nRewriteRule /(.*) http://b/$1 [L,P]",
      "/(.*)",
      "http://b/$1",
    ],
    ["SetHandler", '<Location /ws>\nSetHandler "proxy:ws://b/"\n</Location>', "/ws", "ws://b/"],
    [
      "a balancer of ws://",
      "<Proxy balancer://chat>\nBalancerMember ws://b:1\nBalancerMember ws://b:2\n</Proxy>\nProxyPass /ws balancer://chat/",
      "/ws",
      "balancer://chat/",
    ],
    [
      "ProxySet",
      '<Proxy "http://b:9">\nProxySet upgrade=websocket\n</Proxy>\nProxyPass /ws http://b:9/x',
      "/ws",
      "http://b:9/x",
    ],
  ])("is found by %s", (_name, lines, path, backend) => {
    expect(found(planned(site(lines)))).toEqual([[path, backend]]);
  });

  test.each([
    ["HTTP", "ProxyPass / http://b/"],
    ["an exception", "ProxyPass /ws !"],
    ["upgrade=NONE", "ProxyPass / http://b/ upgrade=NONE"],
    ["a redirect", "RewriteRule ^/ws wss://other.example/ [R,L]"],
    [
      "a rule for what is no handshake",
      "RewriteCond %{HTTP:Upgrade} !websocket [NC]\nRewriteRule /(.*) http://b/$1 [P]",
    ],
    [
      "a condition of the rule before",
      "RewriteCond %{HTTP:Upgrade} websocket\nRewriteRule ^/x - [F]\nRewriteRule /(.*) http://b/$1 [P]",
    ],
    [
      "another balancer",
      "<Proxy balancer://chat>\nBalancerMember ws://b\n</Proxy>\nProxyPass / balancer://chatter/",
    ],
  ])("is not seen in %s", (_name, lines) => {
    expect(found(planned(site(lines)))).toEqual([]);
  });

  test("at server level is every vhost's", () => {
    const { plan } = planned(`${PASS}\n${site("")}${site("", "*:80", "ServerName b.example")}`);
    expect(plan.webSockets[0]!.servers).toHaveLength(3);
  });
});

describe("origins", () => {
  test("are https for every name of a TLS vhost, with its port where that is not the usual one", () => {
    const names = "ServerName A.example\nServerAlias www.a.example b.example";
    expect(origins(planned(site(`SSLEngine on\n${PASS}`, "*:443 *:8443", names)))).toEqual([
      ...[
        "https://a.example",
        "https://a.example:8443",
        "https://www.a.example",
        "https://www.a.example:8443",
      ],
      ...["https://b.example", "https://b.example:8443"],
    ]);
  });

  test("are https where another vhost of the name has TLS, and http alone is not one then", () => {
    const config = site(PASS, "*:80") + site("SSLEngine on");
    expect(origins(planned(config))).toEqual(["https://a.example"]);
  });

  test("are http with a word of warning where none has TLS", () => {
    const plain = planned(site(PASS, "*:80"));
    expect(origins(plain)).toEqual(["http://a.example"]);
    expect(messages(plain)).toEqual([
      "no TLS vhost has these names, so their origins are unencrypted: http://a.example",
    ]);
  });

  test("are both where proxies in front may end TLS", () => {
    const behind = "RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy 10.0.0.1\n";
    expect(origins(planned(behind + site(PASS, "*:80")))).toEqual(["https://a.example", "http://a.example"]);
  });

  test("are those of the other port where one vhost has both", () => {
    expect(origins(planned(site(PASS, "*:80 *:443")))).toEqual(["https://a.example"]);
  });

  test("are what ServerName says with its scheme", () => {
    expect(origins(planned(site(PASS, "*:8080", "ServerName https://a.example:444")))).toEqual([
      "https://a.example:444",
    ]);
  });

  test("are not made from wildcards, which are named", () => {
    const wild = planned(
      site(`SSLEngine on\n${PASS}`, "*:443", "ServerName a.example\nServerAlias *.a.example"),
    );
    expect(origins(wild)).toEqual(["https://a.example"]);
    expect(messages(wild)).toEqual(["'*.a.example' is not one web origin"]);
  });

  test("of vhosts that pass no WebSockets on are none", () => {
    expect(origins(planned(site("SSLEngine on")))).toEqual([]);
  });

  test("that nothing is known of are asked for", () => {
    expect(messages(planned(site(PASS, "*:80", "")))).toEqual([
      "WebSockets are passed on, but no vhost says by which name",
    ]);
  });
});

describe("TLS", () => {
  const tls = (config: string) =>
    planned(config)
      .plan.servers.slice(1)
      .map((server) => server.tls);

  test("is on by SSLEngine, by the server's SSLEngine, or by port 443 as mod_ssl has it", () => {
    expect(tls(site("SSLEngine on", "*:8443"))).toEqual([true]);
    expect(tls(`SSLEngine on\n${site("", "*:8443")}${site("SSLEngine off", "*:8443")}`)).toEqual([
      true,
      false,
    ]);
    expect(tls(site("", "*:443") + site("", "*:80"))).toEqual([true, false]);
    expect(tls(`Listen 8444 https\n${site("", "*:8444")}`)).toEqual([true]);
  });

  test("is no section's SSLEngine, and listens on IPv6 too", () => {
    expect(tls(site("<Location />\nSSLEngine on\n</Location>", "[2001:db8::1]:80"))).toEqual([false]);
    const { plan } = planned(site("", "[2001:db8::1]:443"));
    expect(plan.servers[1]!.addresses).toEqual([{ host: "[2001:db8::1]", port: 443 }]);
  });
});

test("a log that does not show how handshakes are made leads to the snippet", () => {
  const config = site(`SSLEngine on\n${PASS}`).replace("rich", "combined");
  const { plan, root } = planned(config);
  const [note] = plan.notes;
  expect(note!.message.replace(root, "")).toBe(
    "/l/a does not show Origin and Upgrade, which the rules on WebSocket handshakes need",
  );
  expect(note!.hint).toContain("sekisho apache snippet");
});
