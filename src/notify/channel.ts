import { createTransport } from "nodemailer";
import { messageOf, SekishoError } from "../model/errors.ts";
import type { Message } from "./notice.ts";
import { PAYLOADS, type Service, textOf } from "./payloads.ts";

/** Where messages go: to a service by `url`, or as mail by the other three. */
export interface ChannelSettings {
  readonly to: Service | "email";
  readonly url?: string | undefined;
  readonly server?: string | undefined;
  readonly from?: string | undefined;
  readonly recipients?: readonly string[] | undefined;
}

/** Sends one message. Throws NOTIFY_FAILED, which names no secret of the address. */
export type Channel = (message: Message, signal: AbortSignal) => Promise<void>;

const TIMEOUT_MS = 10_000;

/** The schema has seen to it that each has what it needs. */
export const channelOf = ({ to, url, server, from, recipients }: ChannelSettings): Channel =>
  to === "email" ? emailChannel(server!, from!, recipients!) : httpChannel(to, url!);

/** What a person knows the channel by; the address itself is often a secret. */
export const channelName = ({ to, url, server }: ChannelSettings): string =>
  to === "email" ? `email by ${hostOf(server!)}` : `${to} at ${hostOf(url!)}`;

const hostOf = (url: string): string => new URL(url).host;

function httpChannel(to: Service, url: string): Channel {
  return async (message, signal) => {
    const { headers, body } = PAYLOADS[to](message);
    const failed = (why: string, cause?: unknown): SekishoError =>
      new SekishoError(
        "NOTIFY_FAILED",
        `${to} at ${hostOf(url)} took no message: ${why}`,
        "check the address under notifications; `sekisho notify` sends a message to try",
        { cause },
      );
    let answer: Response;
    try {
      answer = await fetch(url, {
        method: "POST",
        headers,
        body,
        // Whoever may redirect us could have us send elsewhere what is meant for them.
        redirect: "manual",
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      await answer.body?.cancel();
    } catch (error) {
      throw failed(causeOf(error), error);
    }
    if (!answer.ok) throw failed(`it answered ${answer.status}`);
  };
}

/** fetch says only that it failed; what happened is behind it. */
function causeOf(error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError")
    return `no answer within ${TIMEOUT_MS / 1_000} s`;
  return error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
}

function emailChannel(server: string, from: string, recipients: readonly string[]): Channel {
  return async (message, signal) => {
    const transport = createTransport({
      url: server,
      connectionTimeout: TIMEOUT_MS,
      greetingTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
      // Nothing of what is sent names a file or an address to fetch.
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    const stop = (): void => transport.close();
    signal.addEventListener("abort", stop, { once: true });
    try {
      await transport.sendMail({
        from,
        to: [...recipients],
        subject: message.title,
        text: `${textOf(message)}\n${message.dashboard === null ? "" : `The dashboard: ${message.dashboard}\n`}`,
        headers: { "Auto-Submitted": "auto-generated" },
      });
    } catch (error) {
      throw new SekishoError(
        "NOTIFY_FAILED",
        `email by ${hostOf(server)} took no message: ${messageOf(error).split("\n", 1)[0]}`,
        "check server, from and recipients under notifications; `sekisho notify` sends a message to try",
        { cause: error },
      );
    } finally {
      signal.removeEventListener("abort", stop);
      transport.close();
    }
  };
}
