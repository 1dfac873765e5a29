import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock, UnixMs } from "../model/time.ts";

const MINUTE = 60_000;
const CODE_LIFE = 10 * MINUTE;
/** A session that nobody used for so long has ended. */
export const SESSION_IDLE = 12 * 60 * MINUTE;
/** Seconds that a session lasts at most, however much it is used: the cookie's Max-Age. */
export const SESSION_LIFE_SECONDS = 7 * 24 * 60 * 60;
const MAX_CODES = 16;
const MAX_SESSIONS = 64;
const MAX_FAILURES = 10;

/** Who asks. `key` is the hash of the session's id, never the id itself. */
export type Visitor = { readonly kind: "token" } | { readonly kind: "session"; readonly key: string };

interface Session {
  readonly openedAt: UnixMs;
  usedAt: UnixMs;
}

/**
 * Who may come in: the holder of the token, or of a session that a one-time code or the token opened.
 * Codes and sessions are kept in memory only and as hashes, so a memory dump or a restart gives none away.
 * Both maps are in order of age (sessions: of last use), so what has to go is at their front.
 */
export class Access {
  readonly #tokenHash: Buffer;
  readonly #clock: Clock;
  readonly #codes = new Map<string, UnixMs>();
  readonly #sessions = new Map<string, Session>();

  constructor(token: string, clock: Clock) {
    this.#tokenHash = hash(token);
    this.#clock = clock;
  }

  /** A code that opens one session within ten minutes. */
  newCode(): string {
    const code = randomBytes(32).toString("base64url");
    this.#codes.set(keyOf(code), this.#clock.now());
    dropOldest(this.#codes, MAX_CODES);
    return code;
  }

  /** The id of a new session; null when the code is wrong, used or expired. */
  redeemCode(code: string): string | null {
    const key = keyOf(code);
    const madeAt = this.#codes.get(key);
    this.#codes.delete(key);
    return madeAt !== undefined && this.#clock.now() - madeAt < CODE_LIFE ? this.#openSession() : null;
  }

  /** The id of a new session; null when the token is wrong. */
  redeemToken(token: string): string | null {
    return this.#isToken(token) ? this.#openSession() : null;
  }

  byToken(token: string): Visitor | null {
    return this.#isToken(token) ? { kind: "token" } : null;
  }

  /** Counts as use of the session. */
  bySession(id: string): Visitor | null {
    const visitor: Visitor = { kind: "session", key: keyOf(id) };
    if (!this.isWelcome(visitor)) return null;
    const session = this.#sessions.get(visitor.key)!;
    session.usedAt = this.#clock.now();
    this.#sessions.delete(visitor.key);
    this.#sessions.set(visitor.key, session);
    return visitor;
  }

  /** False once the visitor's session has ended. Does not count as use: an open stream keeps no session alive. */
  isWelcome(visitor: Visitor): boolean {
    if (visitor.kind === "token") return true;
    const session = this.#sessions.get(visitor.key);
    if (session === undefined) return false;
    const now = this.#clock.now();
    const lives =
      now - session.usedAt < SESSION_IDLE && now - session.openedAt < SESSION_LIFE_SECONDS * 1_000;
    if (!lives) this.#sessions.delete(visitor.key);
    return lives;
  }

  end(visitor: Visitor): void {
    if (visitor.kind === "session") this.#sessions.delete(visitor.key);
  }

  #isToken(token: string): boolean {
    return timingSafeEqual(hash(token), this.#tokenHash);
  }

  #openSession(): string {
    const id = randomBytes(32).toString("base64url");
    const now = this.#clock.now();
    this.#sessions.set(keyOf(id), { openedAt: now, usedAt: now });
    dropOldest(this.#sessions, MAX_SESSIONS);
    return id;
  }
}

/** Failed attempts of everybody together; ten a minute is more than a person's typing errors. */
export class Attempts {
  readonly #clock: Clock;
  #failures: UnixMs[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts a failure. Null, or the seconds to wait when there were too many. */
  fail(): number | null {
    const now = this.#clock.now();
    // Times ahead of now are from before the clock was set back.
    this.#failures = this.#failures.filter((at) => at <= now && now - at < MINUTE);
    const oldest = this.#failures[0];
    if (oldest === undefined || this.#failures.length < MAX_FAILURES) {
      this.#failures.push(now);
      return null;
    }
    return Math.ceil((oldest + MINUTE - now) / 1_000);
  }
}

const hash = (secret: string): Buffer => createHash("sha256").update(secret).digest();
const keyOf = (secret: string): string => hash(secret).toString("base64url");

function dropOldest(map: Map<string, unknown>, most: number): void {
  for (const key of map.keys()) {
    if (map.size <= most) return;
    map.delete(key);
  }
}
