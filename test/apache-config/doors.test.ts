import { describe, expect, test } from "vitest";
import { doorsOf } from "../../src/apache-config/doors.ts";
import { findApache } from "../../src/apache-config/layout.ts";
import { readApacheConfig } from "../../src/apache-config/reader.ts";
import { doorText } from "../../src/model/door.ts";
import { folderWith } from "../config/temporary-folder.ts";

const doors = (config: string): string[] =>
  doorsOf(readApacheConfig(findApache(folderWith({ "etc/apache2/apache2.conf": config }), null)!)).map(
    doorText,
  );

describe("where Apache can be asked", () => {
  test("at loopback where it listens on every address, for each vhost by its name, over TLS too", () => {
    const config = `Listen 80\nListen 443
<VirtualHost *:80>\nServerName site.example\n</VirtualHost>
<VirtualHost _default_:443>\nServerName shop.example\nSSLEngine on\n</VirtualHost>\n`;
    expect(doors(config)).toEqual([
      "http://site.example:80 at 127.0.0.1",
      "https://shop.example:443 at 127.0.0.1",
    ]);
    expect(doors("Listen 80\n")).toEqual(["http://127.0.0.1:80"]);
  });

  test("at the address that it listens on", () => {
    const config = `Listen 192.0.2.1:8080\nListen 0.0.0.0:81
<VirtualHost *:8080>\nServerName a.example\n</VirtualHost>\n<VirtualHost 192.0.2.1:8080>\nServerName b.example\n</VirtualHost>\n`;
    expect(doors(config)).toEqual([
      "http://a.example:8080 at 192.0.2.1",
      "http://b.example:8080 at 192.0.2.1",
      "http://127.0.0.1:81",
    ]);
  });

  test("vhosts that send everybody elsewhere come last, since they do so before access is looked at", () => {
    const vhost = (name: string, text: string) =>
      `<VirtualHost *:80>\nServerName ${name}.example\n${text}\n</VirtualHost>\n`;
    const config = `Listen 80\n${[
      vhost("redirect", "Redirect permanent / https://x.example/"),
      vhost("rewrite", "RewriteEngine On\nRewriteRule ^ https://x.example/ [L,R=301]"),
      vhost("inner", '<Location "/old">\nRedirect 301 https://x.example/\n</Location>'),
      vhost("inside", "RewriteRule ^/a$ /b [PT,NE]"),
    ].join("")}`;
    expect(doors(config).map((text) => /[a-z]+(?=\.example)/.exec(text)?.[0] ?? null)).toEqual([
      "inner",
      "inside",
      "redirect",
      "rewrite",
    ]);
  });

  test("nowhere on IPv6 alone, as loopback has one address of it; names and what is no port are left out", () => {
    expect(doors("Listen [::1]:80\nListen [2001:db8::1]:80\n")).toEqual([]);
    expect(doors("Listen www.example.com:80\n")).toEqual([]);
    expect(doors("")).toEqual([]);
    expect(doors('Listen 80\n<VirtualHost *:80>\nServerName "a b"\n</VirtualHost>\n')).toEqual([
      "http://127.0.0.1:80",
    ]);
  });
});
