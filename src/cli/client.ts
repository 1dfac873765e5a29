import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Whereabouts } from "../config/config-file.ts";
import type { ErrorBody, Page } from "../model/api.ts";
import { ERROR_CODES, type ErrorCode, messageOf, SekishoError, systemCode } from "../model/errors.ts";
import type { Ip } from "../model/ip.ts";
import { readAccessToken } from "../serve/access-token.ts";
import type { CliContext } from "./context.ts";
import { isAlive, readDaemonFile } from "./daemon-file.ts";
import { sshClient } from "./ssh-client.ts";
import { whereabouts } from "./whereabouts.ts";

const SERVICE = "/etc/systemd/system/sekisho.service";
/** How long the daemon may take to answer; it answers at once unless its machine is in trouble. */
const PATIENCE_MS = 15_000;
/** The same for an answer that may be long, and where Apache is reloaded or a list is fetched meanwhile. */
export const LONG_PATIENCE_MS = 120_000;

/** Requests to the running daemon, with its token. */
export class DaemonClient {
  /** Where a browser on this machine finds the dashboard, too. */
  readonly url: string;
  readonly #token: string;
  readonly #from: Readonly<Record<string, string>>;

  /** `from`: where the person sits who asks, if they came over ssh. The daemon bans nobody there. */
  constructor(url: string, token: string, from: Ip | null = null) {
    this.url = url;
    this.#token = token;
    this.#from = from === null ? {} : { "x-forwarded-for": from };
  }

  /** The answer's JSON, null where it has none. Throws the daemon's own error, or DAEMON_NOT_RUNNING, DAEMON_REFUSED. */
  async request(
    method: "GET" | "POST" | "DELETE",
    path: string,
    body?: unknown,
    patience = PATIENCE_MS,
  ): Promise<unknown> {
    const response = await this.#send(method, path, body, patience);
    const text = await response.text();
    if (response.ok) return text === "" ? null : this.#json(text);
    throw this.#refusal(response, text);
  }

  /** Hands on the text of an answer as it comes. Throws as `request` does. */
  async stream(path: string, take: (text: string) => void): Promise<void> {
    const response = await this.#send("GET", path, undefined, LONG_PATIENCE_MS);
    if (!response.ok || response.body === null) throw this.#refusal(response, await response.text());
    const decoder = new TextDecoder();
    try {
      for await (const part of response.body) take(decoder.decode(part, { stream: true }));
    } catch (cause) {
      throw new SekishoError(
        "DAEMON_REFUSED",
        `the daemon at ${this.url} broke off in the middle of its answer`,
        "what was printed is not all; look at the daemon's log, and run the command again",
        { cause },
      );
    }
  }

  #refusal(response: Response, text: string): SekishoError {
    if (response.status === 401) {
      return new SekishoError(
        "DAEMON_REFUSED",
        `the daemon at ${this.url} does not accept this token`,
        "unset SEKISHO_TOKEN, or set it to what the daemon runs with; without it DATA/token is used, so name the daemon's configuration with --config",
      );
    }
    return errorOf(this.#json(text)) ?? this.#notSekisho(`answered ${response.status}`);
  }

  /** All items of a collection, page by page. */
  async collection<Item>(path: string): Promise<Item[]> {
    const items: Item[] = [];
    const query = `${path}${path.includes("?") ? "&" : "?"}limit=500`;
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page = (await this.request("GET", `${query}${cursor}`)) as Page<Item>;
      items.push(...page.items);
      cursor = page.next === null ? null : `&cursor=${encodeURIComponent(page.next)}`;
    }
    return items;
  }

  async #send(method: string, path: string, body: unknown, patience: number): Promise<Response> {
    try {
      return await fetch(new URL(path, this.url), {
        method,
        headers: {
          authorization: `Bearer ${this.#token}`,
          ...this.#from,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        // A redirect would carry the token elsewhere.
        redirect: "error",
        signal: AbortSignal.timeout(patience),
      });
    } catch (error) {
      if (error instanceof DOMException && error.name === "TimeoutError") {
        throw new SekishoError(
          "DAEMON_REFUSED",
          `the daemon at ${this.url} did not answer within ${patience / 1000} seconds`,
          "look at its log (journalctl -u sekisho) and at the machine's load",
          { cause: error },
        );
      }
      const cause = error instanceof Error ? error.cause : undefined;
      if (systemCode(cause) === "ECONNREFUSED") throw notRunning(`nothing listens at ${this.url}`);
      throw this.#notSekisho(messageOf(cause ?? error));
    }
  }

  #json(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      throw this.#notSekisho("the answer is not JSON");
    }
  }

  #notSekisho(what: string): SekishoError {
    return new SekishoError(
      "DAEMON_REFUSED",
      `what listens at ${this.url} does not answer as Sekisho does: ${what}`,
      "another program may use the port; see dashboard.listen in the configuration",
    );
  }
}

/** A client of the daemon that runs with the configuration of this folder or `file`. */
export async function connectToDaemon(context: CliContext, file: string | undefined): Promise<DaemonClient> {
  const { data, listen } = await whereabouts(context, file);
  const given = context.env.SEKISHO_TOKEN;
  const running = readDaemonFile(data);
  if (running !== null && !isAlive(running.pid)) throw notRunning(`its process ${running.pid} is gone`);
  const url = urlOf(running?.listen ?? listen);
  const token = tokenOf(data, given);
  if (token === null) throw notRunning(`${data} has no token, so no daemon ever ran with it`);
  return new DaemonClient(url, token, sshClient(context.env));
}

const notRunning = (why: string): SekishoError =>
  new SekishoError(
    "DAEMON_NOT_RUNNING",
    `the daemon is not running: ${why}`,
    `start it with: ${existsSync(SERVICE) ? "sudo systemctl start sekisho" : "sekisho run"}; if it runs with another configuration, name it with --config`,
  );

function tokenOf(data: string, given: string | undefined): string | null {
  try {
    return readAccessToken(data, given);
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (systemCode(cause) !== "EACCES") throw error;
    throw new SekishoError(
      "DAEMON_REFUSED",
      `no permission to read ${join(data, "token")}`,
      "run this command as the user that Sekisho runs as (sudo -u sekisho sekisho …) or as root, or set SEKISHO_TOKEN",
      { cause },
    );
  }
}

/** Where a client on the same machine reaches what listens at this address. */
export function urlOf({ host, port }: Whereabouts["listen"]): string {
  const reached = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `http://${reached.includes(":") ? `[${reached}]` : reached}:${port}`;
}

function errorOf(body: unknown): SekishoError | null {
  const error = (body as Partial<ErrorBody> | null)?.error;
  if (typeof error?.message !== "string" || typeof error.hint !== "string") return null;
  const code = Object.hasOwn(ERROR_CODES, error.code) ? (error.code as ErrorCode) : "DAEMON_REFUSED";
  return new SekishoError(code, error.message, error.hint);
}
