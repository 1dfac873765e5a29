import { describe, expect, test } from "vitest";
import { findApache } from "../../src/apache-config/layout.ts";
import { planFor } from "../../src/cli/init-plan.ts";
import { apacheSnippet } from "../../src/enforce/apache/snippet.ts";
import { folderWith } from "../config/temporary-folder.ts";
import { messages, planned } from "./planned.ts";

const snippet = (directory: string | null, includeFile: string | null) =>
  apacheSnippet({ directory, includeFile, logFormat: "%a", tlsLogFormat: "%a", openingMessage: "x" });
const found = (config: string) => planned(config).plan.snippet;

describe("what of the snippet Apache has", () => {
  test.each([
    ["/run/sekisho/banned", "/var/lib/sekisho/apache/blocklist.conf"],
    ["/srv/banned", null],
    [null, "/srv/list.conf"],
    [null, null],
  ])("ban directory %s and list %s are found with their paths", (directory, includeFile) => {
    expect(found(snippet(directory, includeFile))).toMatchObject({ directory, includeFile });
  });

  test("an included snippet counts, one in a comment, a vhost or a module that is not there does not", () => {
    const text = snippet("/srv/banned", "/srv/list.conf");
    const inFile = planned("Include sekisho.conf\n", { "etc/apache2/sekisho.conf": text }).plan.snippet;
    expect(inFile).toMatchObject({ directory: "/srv/banned", includeFile: "/srv/list.conf" });
    for (const around of [
      `<VirtualHost *:80>\n${text}</VirtualHost>\n`,
      `<IfModule mod_nobody.c>\n${text}</IfModule>\n`,
      text.replace(/^/gm, "#"),
    ])
      expect(found(around)).toMatchObject({ directory: null, includeFile: null });
  });

  test("paths that the configuration would not take are not taken over", () => {
    for (const path of ["/srv/../etc", "/srv/a b", "srv", "/srv/${X"])
      expect(found(`<If "-f '${path}/%{REMOTE_ADDR}'">\n</If>\n`)).toMatchObject({ directory: null });
  });
});

describe("mod_log_debug", () => {
  const MISSING = "mod_log_debug is not loaded, so WebSockets are seen only when they close";
  const text = snippet("/srv/banned", null);

  test("is asked for where the snippet is there and the module is not", () => {
    expect(messages(planned(text))).toContain(MISSING);
    expect(messages(planned(`LoadModule log_debug_module modules/mod_log_debug.so\n${text}`))).not.toContain(
      MISSING,
    );
    expect(messages(planned(""))).not.toContain(MISSING);
  });

  test("is loaded as the distribution does it", () => {
    const hint = (main: string) =>
      planFor(findApache(folderWith({ [main]: text }), null)!).notes.find(
        ({ message }) => message === MISSING,
      )?.hint;
    expect(hint("etc/apache2/apache2.conf")).toContain("a2enmod log_debug");
    expect(hint("etc/httpd/conf/httpd.conf")).toContain(
      "LoadModule log_debug_module modules/mod_log_debug.so",
    );
    expect(hint("etc/httpd/conf/httpd.conf")).toContain("apachectl configtest");
  });
});
