import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Logger, pino } from "pino";
import { onTestFinished } from "vitest";
import type { ErrorBody } from "../../src/model/api.ts";
import { type Clock, type UnixMs, unixMs } from "../../src/model/time.ts";
import { type Server, type ServerOptions, startServer } from "../../src/serve/server.ts";
import { MemoryBackend } from "./memory-backend.ts";

export const TOKEN = "test-token-test-token-test-token-test-token";

export class TestClock implements Clock {
  #now: UnixMs = unixMs(Date.parse("2026-11-20T12:00:00Z"));
  now(): UnixMs {
    return this.#now;
  }
  advance(ms: number): void {
    this.#now = unixMs(this.#now + ms);
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Empty where the answer is not JSON. */
  readonly json: AnswerJson;
}

/** What tests read of the JSON of an answer. Each answer has some of it, if the server is right. */
export interface AnswerJson {
  readonly error?: ErrorBody["error"];
  readonly items?: readonly { readonly id: number }[];
  readonly next?: string | null;
  readonly id?: number;
  readonly link?: string;
  readonly state?: string;
  readonly target?: string;
  readonly reason?: string;
  readonly until?: string | null;
  readonly findings?: readonly { readonly evidence: readonly string[] }[];
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  /** Sent as JSON; text is sent as it is. */
  readonly body?: unknown;
  readonly as?: "token" | "nobody";
}

export interface Running {
  readonly server: Server;
  readonly backend: MemoryBackend;
  readonly clock: TestClock;
  /** With the token, unless `as` says otherwise. */
  ask(path: string, ask?: Ask): Promise<Answer>;
}

/** A folder that goes when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "sekisho-serve-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function webPage(): string {
  const root = temporaryFolder();
  mkdirSync(join(root, "assets"));
  writeFileSync(join(root, "index.html"), "<!doctype html><title>Sekisho</title>");
  writeFileSync(join(root, "assets", "main-abc123.js"), "export {};");
  writeFileSync(join(root, ".secret"), "hidden");
  return root;
}

/** A real server on a free port of loopback, closed when the test ends. */
export async function runServer(settings: Partial<ServerOptions> = {}): Promise<Running> {
  const clock = new TestClock();
  const backend = new MemoryBackend(clock);
  const server = await startServer({
    backend,
    listen: { host: "127.0.0.1", port: 0 },
    allowRemote: false,
    hosts: [],
    token: TOKEN,
    webRoot: webPage(),
    clock,
    logger: pino({ level: "silent" }),
    ...settings,
  });
  onTestFinished(() => server.close());
  return { server, backend, clock, ask: (path, ask) => send(server.url, path, ask) };
}

/** Node's own client, since fetch keeps Host, Origin and Cookie to itself. */
export function send(url: string, path: string, ask: Ask = {}): Promise<Answer> {
  const { port, hostname } = new URL(url);
  const body = ask.body === undefined || typeof ask.body === "string" ? ask.body : JSON.stringify(ask.body);
  const headers: Record<string, string> = {
    ...((ask.as ?? "token") === "token" ? { authorization: `Bearer ${TOKEN}` } : {}),
    ...(body === undefined ? {} : { "content-type": "application/json" }),
    ...ask.headers,
  };
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const options = {
    port,
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    path,
    method: ask.method ?? "GET",
    headers,
  };
  const sending = httpRequest({ ...options, agent: false }, (response) => {
    let text = "";
    response.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    response.on("error", reject).on("end", () => {
      const isJson = response.headers["content-type"]?.startsWith("application/json") ?? false;
      resolve({
        status: response.statusCode!,
        headers: response.headers,
        text,
        json: isJson && text !== "" ? (JSON.parse(text) as AnswerJson) : {},
      });
    });
  });
  sending.on("error", reject).end(body);
  return promise;
}

/** The cookie of a new session, opened by a link's code. */
export async function signIn(
  { server, ask }: Running,
  headers: Record<string, string> = {},
): Promise<string> {
  const code = codeOf(server.link());
  const answer = await ask("/api/session", { method: "POST", as: "nobody", body: { code }, headers });
  return answer.headers["set-cookie"]![0]!.split(";")[0]!;
}

export const codeOf = (link: string): string => new URLSearchParams(new URL(link).hash.slice(1)).get("code")!;

/** A logger, and everything that it was told. */
export function capturedLog(level: string): { readonly logger: Logger; text(): string } {
  const lines: string[] = [];
  return {
    logger: pino({ level }, { write: (line: string) => lines.push(line) }),
    text: () => lines.join(""),
  };
}
