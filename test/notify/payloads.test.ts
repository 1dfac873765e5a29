import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { UnixMs } from "../../src/model/time.ts";
import type { Message } from "../../src/notify/notice.ts";
import { PAYLOADS, textOf } from "../../src/notify/payloads.ts";

const message = (...texts: string[]): Message => ({
  host: "www1",
  dashboard: "https://sekisho.example.com",
  severity: "critical",
  title: "Sekisho on www1: 1 ban (critical)",
  notices: texts.map((text) => ({
    at: Date.UTC(2026, 10, 20, 12) as UnixMs,
    severity: "critical",
    signal: "ban.decided",
    text,
  })),
  count: texts.length + 1,
});

const NEXT = "On www1: sudo sekisho status";

const bodyOf = (service: keyof typeof PAYLOADS, ...texts: string[]) =>
  JSON.parse(PAYLOADS[service](message(...texts)).body) as Record<string, unknown>;

describe("each service gets text as text", () => {
  const hostile = "<!channel> <https://evil.example|click> *bold* @everyone ``` \u202e\u001b[31m";
  const shown = "12:00:00 UTC critical: <!channel> <https://evil.example|click> *bold* @everyone ``` ";

  test("Slack as plain text", () => {
    const { blocks } = bodyOf("slack", hostile) as {
      readonly blocks: { readonly text: { readonly type: string; readonly text: string } }[];
    };
    expect(blocks.map(({ text }) => text.type)).toEqual(["plain_text", "plain_text", "mrkdwn"]);
    expect(blocks[1]!.text.text).toBe(`${shown}  [31m\nand 1 more\n${NEXT}`);
    expect(blocks[2]!.text.text).toBe("<https://sekisho.example.com|Open the dashboard>");
  });

  test("Discord in a block that it cannot end, with no mention", () => {
    const { embeds, allowed_mentions } = bodyOf("discord", hostile) as {
      readonly embeds: readonly { readonly description: string }[];
      readonly allowed_mentions: unknown;
    };
    expect(allowed_mentions).toEqual({ parse: [] });
    expect(embeds[0]!.description.split("```")).toHaveLength(3);
  });

  test("Teams as runs of text, which read no Markdown", () => {
    const { attachments } = bodyOf("teams", hostile) as {
      readonly attachments: readonly {
        readonly content: { readonly body: readonly { readonly type: string }[] };
      }[];
    };
    expect(new Set(attachments[0]!.content.body.map(({ type }) => type))).toEqual(new Set(["RichTextBlock"]));
  });

  test("ntfy with title and priority as headers", () => {
    const { headers, body } = PAYLOADS.ntfy(message("ban"));
    expect(headers).toMatchObject({
      title: "Sekisho on www1: 1 ban (critical)",
      priority: "5",
      click: "https://sekisho.example.com",
    });
    expect(body).toBe(`12:00:00 UTC critical: ban\nand 1 more\n${NEXT}`);
  });
});

test("whatever is told, no payload is larger than its service takes", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 2_000, unit: "binary" }), { maxLength: 20 }), (texts) => {
      const { blocks } = bodyOf("slack", ...texts) as {
        readonly blocks: { readonly text: { readonly text: string } }[];
      };
      expect(blocks[1]!.text.text.length).toBeLessThanOrEqual(3_000);
      const { embeds } = bodyOf("discord", ...texts) as {
        readonly embeds: { readonly description: string }[];
      };
      expect(embeds[0]!.description.length).toBeLessThanOrEqual(4_096);
      expect(PAYLOADS.ntfy(message(...texts)).body.length).toBeLessThanOrEqual(4_096);
    }),
  );
});

test("who was told of a ban is told how to look and how to undo it, however long the rest is", () => {
  const told = (...targets: string[]): string => {
    const { notices, ...rest } = message("x".repeat(300));
    const bans = targets.map((target) => ({ ...notices[0]!, target }));
    return textOf({ ...rest, notices: bans, count: bans.length }, 500);
  };
  expect(told("192.0.2.7/32")).toMatch(
    /x\nOn www1: sudo sekisho explain 192\.0\.2\.7\/32 says why, sudo sekisho unban 192\.0\.2\.7\/32 lets it in$/,
  );
  const many = told("192.0.2.7/32", "192.0.2.8/32", "192.0.2.9/32");
  expect(many).toMatch(/\n…\nOn www1: sudo sekisho bans lists them, sudo sekisho unban TARGET lets one in$/);
  expect(many.length).toBeLessThanOrEqual(500);
});
