import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import type { UnixMs } from "../../src/model/time.ts";
import { channelOf } from "../../src/notify/channel.ts";

/** A mail server that takes one mail after the other, as RFC 5321 has it, and refuses recipients of `refused.example`. */
async function mailServer() {
  const mails: string[] = [];
  const server = createServer((socket) => {
    let isData = false;
    let waiting = "";
    let mail = "";
    socket.setEncoding("utf8").write("220 test\r\n");
    socket.on("error", () => {});
    socket.on("data", (piece: string) => {
      waiting += piece;
      for (let end = waiting.indexOf("\r\n"); end !== -1; end = waiting.indexOf("\r\n")) {
        const line = waiting.slice(0, end);
        waiting = waiting.slice(end + 2);
        if (!isData) {
          isData = /^DATA/i.test(line);
          if (/^QUIT/i.test(line)) socket.end("221 bye\r\n");
          else
            socket.write(
              isData
                ? "354 go on\r\n"
                : line.includes("@refused.example")
                  ? "550 nobody\r\n"
                  : "250 fine\r\n",
            );
        } else if (line === ".") {
          mails.push(mail);
          mail = "";
          isData = false;
          socket.write("250 taken\r\n");
        } else mail += `${line}\n`;
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    server: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mails,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}

const message = {
  host: "www1",
  dashboard: "https://sekisho.example.com",
  severity: "high",
  title: "Sekisho on www1: 1 ban (high)",
  notices: [
    {
      at: Date.UTC(2026, 10, 20, 12) as UnixMs,
      severity: "high",
      signal: "ban.decided",
      text: "ban 192.0.2.7/32\r\nBcc: x@evil.example",
    },
  ],
  count: 1,
} as const;
const { signal } = new AbortController();
const from = "Sekisho <sekisho@example.com>";

test("a mail has the title as its subject, and nothing of a log in its headers", async () => {
  await using post = await mailServer();
  await channelOf({ to: "email", server: post.server, from, recipients: ["admin@example.com"] })(
    message,
    signal,
  );
  expect(post.mails).toHaveLength(1);
  const [headers, body] = post.mails[0]!.split("\n\n") as [string, string];
  expect(headers).toMatch(/^Subject: Sekisho on www1: 1 ban \(high\)$/m);
  expect(headers).toMatch(/^To: admin@example.com$/m);
  expect(headers).toMatch(/^Auto-Submitted: auto-generated$/m);
  expect(headers).not.toMatch(/^Bcc/m);
  expect(body).toContain("12:00:00 UTC high: ban 192.0.2.7/32  Bcc: x@evil.example");
  expect(body).toMatch(/The dashboard: https:\/\/sekisho\.example\.com\n*$/);
});

test("a server that refuses or is not there is told by its name alone", async () => {
  await using post = await mailServer();
  const withSecret = post.server.replace("smtp://", "smtp://user:secret@");
  await expect(
    channelOf({ to: "email", server: post.server, from, recipients: ["a@refused.example"] })(message, signal),
  ).rejects.toMatchObject({
    code: "NOTIFY_FAILED",
    message: expect.stringMatching(/^email by 127\.0\.0\.1:\d+ took no message: /),
  });
  const gone = "smtp://user:secret@127.0.0.1:1";
  for (const server of [withSecret, gone]) {
    await expect(
      channelOf({ to: "email", server, from, recipients: ["a@refused.example"] })(message, signal),
    ).rejects.toMatchObject({ message: expect.not.stringContaining("secret") });
  }
});
