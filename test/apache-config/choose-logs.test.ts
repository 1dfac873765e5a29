import { describe, expect, test } from "vitest";
import { accessLogs, messages, planned } from "./planned.ts";

const vhost = (name: string, lines: string) =>
  `<VirtualHost *:80>\nServerName ${name}\n${lines}\n</VirtualHost>\n`;

describe("of several logs that hold the same requests", () => {
  test("the one that shows Origin and Upgrade is read, wherever it stands", () => {
    expect(accessLogs(planned(vhost("a", "CustomLog /l/a combined\nCustomLog /l/rich rich")))).toEqual([
      "left out /l/a combined",
      'read /l/rich %t %a %>s "%r" "%{Origin}i" "%{Upgrade}i"',
    ]);
  });

  test("the one that shows more fields is read, and of equals the first", () => {
    expect(
      accessLogs(
        planned(vhost("a", "CustomLog /l/1 common\nCustomLog /l/2 combined\nCustomLog /l/3 combined")),
      ),
    ).toEqual(["left out /l/1 common", "read /l/2 combined", "left out /l/3 combined"]);
  });

  test("a GlobalLog that shows handshakes wins over all, though a vhost's own log shows more", () => {
    const config = `GlobalLog /l/global rich\nCustomLog /l/main combined\n${vhost("a", `CustomLog /l/a "%t %a %>s \\"%r\\" %D %O \\"%{Origin}i\\" \\"%{Upgrade}i\\" \\"%{Host}i\\""`)}`;
    expect(
      accessLogs(planned(config)).map((line) => line.split(" ").slice(0, -1).join(" ").slice(0, 16)),
    ).toEqual(["read /l/global %", "left out /l/main".slice(0, 16), "left out /l/a %t"]);
  });

  test("no vhost goes unread for the sake of a richer log", () => {
    const config =
      vhost("a", "CustomLog /l/both common\nCustomLog /l/a rich") + vhost("b", "CustomLog /l/both common");
    const found = planned(config);
    expect(accessLogs(found).filter((line) => line.startsWith("read"))).toEqual(["read /l/both common"]);
    expect(messages(found)).toEqual([]);
  });

  test("each vhost's richer log is read where that leaves nobody out", () => {
    const config = `GlobalLog /l/global common\n${vhost("a", "CustomLog /l/a combined")}CustomLog /l/main combined`;
    expect(accessLogs(planned(config))).toEqual([
      "left out /l/global common",
      "read /l/main combined",
      "read /l/a combined",
    ]);
  });

  test("one that has all requests is read rather than one that has some", () => {
    const config = vhost("a", "CustomLog /l/some rich env=websocket\nCustomLog /l/all common");
    expect(accessLogs(planned(config))[1]).toBe("read /l/all common");
  });

  test("both are read whose conditions are opposite, since no request is in both", () => {
    const config = vhost(
      "a",
      "CustomLog /l/pictures combined env=p\nCustomLog /l/rest combined env=!p\nCustomLog /l/again combined env=!p",
    );
    expect(accessLogs(planned(config))).toEqual([
      "read /l/pictures combined",
      "read /l/rest combined",
      "left out /l/again combined",
    ]);
  });
});

describe("one file", () => {
  test("that several vhosts write is one entry", () => {
    const found = planned(vhost("a", "CustomLog /l/x combined") + vhost("b", "CustomLog /l/x combined"));
    expect(accessLogs(found)).toEqual(["read /l/x combined"]);
    expect(found.plan.logs[0]!.servers).toHaveLength(2);
  });

  test("that is given each request twice, or lines of two formats, is told", () => {
    const twice = planned(vhost("a", "CustomLog /l/x combined\nCustomLog /l/x combined"));
    expect(messages(twice)).toEqual(["/l/x is given each request twice by one vhost, so each counts twice"]);
    const mixed = planned(vhost("a", "CustomLog /l/x combined") + vhost("b", "CustomLog /l/x rich"));
    expect(messages(mixed)).toEqual(["/l/x holds lines of another format too, which will stay unparsed"]);
  });
});

describe("an error log", () => {
  const shared = (format: string, path = "/l/e") => `ErrorLog ${path}\nErrorLogFormat "${format}"`;

  test("that vhosts write to in different formats is told, however its path is written", () => {
    const config = `ErrorLog /l/main\n${vhost("a", shared("[%t] [%l] [client %a] %M"))}`;
    const told = ["/l/e holds lines of another ErrorLogFormat too, those of b, which will stay unparsed"];
    const error = (text: string) => messages(planned(text)).filter((message) => message.includes("ErrorLog"));
    expect(error(config + vhost("b", "ErrorLog /l/e"))).toEqual(told);
    expect(error(config + vhost("b", shared("[%{u}t] [%l] [client %a] %M", "/l/../l/e")))).toEqual(told);
    expect(error(config + vhost("b", shared("[%t] [%l] [client %a] %M")))).toEqual([]);
    expect(error(config + vhost("b", shared("[%{u}t] [%l] [client %a] %M", "/l/other")))).toEqual([]);
  });
});

describe("a vhost without a log that can be read", () => {
  test("is named, with each reason", () => {
    const config =
      vhost("a", 'CustomLog "|/usr/bin/logger -t a" combined') + vhost("b", 'CustomLog /l/b "%h %t"');
    expect(messages(planned(config))).toEqual([
      "|/usr/bin/logger -t a: is piped to logger, and where that writes is not known",
      "/l/b: the log format does not show the status",
      "no log of a can be read, so its requests stay unseen",
      "no log of b can be read, so its requests stay unseen",
    ]);
  });

  test("is not named for logs that another stands in for", () => {
    const config = vhost(
      "a",
      'CustomLog "|/usr/bin/logger -t a" combined\nCustomLog /l/a combined\nCustomLog /l/tls "%t %h"',
    );
    expect(messages(planned(config))).toEqual([]);
  });
});

test("a format in single quotes that would write backslashes is not taken for another", () => {
  const [log] = planned(`CustomLog /l/x '%h %l %u %t \\"%r\\" %>s %b'`).plan.logs;
  expect(log).toMatchObject({ verdict: "cannot be read", why: 'the log format writes \\" for a quote' });
});

test("a condition that leaves requests in no log that is read is told, once for each file", () => {
  const own = (name: string) =>
    `<VirtualHost *>\nServerName ${name}\nCustomLog /l/own common env=!quiet\n</VirtualHost>\n`;
  expect(
    messages(planned(`${own("a")}${own("b")}CustomLog /l/x common env=x\nCustomLog /l/y common env=!x\n`)),
  ).toEqual(["/l/own has only the requests with env=!quiet; the others stay unseen"]);
});

test("what Apache holds back or writes as names is told", () => {
  const config = "HostnameLookups On\nBufferedLogs On\nCustomLog /l/x common\n";
  expect(messages(planned(config))).toEqual([
    "HostnameLookups writes names where %h stands, and lines without an address stay unparsed",
    "BufferedLogs holds lines back until several KiB have gathered, so bans come late",
  ]);
});

test("a log behind a proxy that Apache does not believe is told", () => {
  const format = `CustomLog /l/x "%h %l %u %t \\"%r\\" %>s %b \\"%{X-Forwarded-For}i\\""`;
  expect(messages(planned(format)).join()).toContain("bans would hit the proxy");
  const told = "RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy 10.0.0.1\n";
  expect(messages(planned(told + format))).toEqual([]);
});
