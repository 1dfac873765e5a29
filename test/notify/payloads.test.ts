import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { UnixMs } from "../../src/model/time.ts";
import type { Message } from "../../src/notify/notice.ts";
import { PAYLOADS } from "../../src/notify/payloads.ts";

const message = (...texts: string[]): Message => ({
  host: "www1",
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

const bodyOf = (service: keyof typeof PAYLOADS, ...texts: string[]) =>
  JSON.parse(PAYLOADS[service](message(...texts)).body) as Record<string, unknown>;

describe("each service gets text as text", () => {
  const hostile = "<!channel> <https://evil.example|click> *bold* @everyone ``` \u202e\u001b[31m";
  const shown = "12:00:00 critical: <!channel> <https://evil.example|click> *bold* @everyone ``` ";

  test("Slack as plain text", () => {
    const { blocks } = bodyOf("slack", hostile) as {
      readonly blocks: { readonly text: { readonly type: string; readonly text: string } }[];
    };
    expect(blocks.map(({ text }) => text.type)).toEqual(["plain_text", "plain_text"]);
    expect(blocks[1]!.text.text).toBe(`${shown}  [31m\nand 1 more`);
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
    expect(headers).toMatchObject({ title: "Sekisho on www1: 1 ban (critical)", priority: "5" });
    expect(body).toBe("12:00:00 critical: ban\nand 1 more");
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
