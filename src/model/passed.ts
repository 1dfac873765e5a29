import type { Target } from "./ip.ts";
import type { UnixMs } from "./time.ts";

/** Requests of one batch that somebody made and got through with while a ban ran. */
export interface Passed {
  /** The ban's. */
  readonly target: Target;
  readonly requests: number;
  /** Of these such as only who is let in gets: a `Redirect 404` or `RewriteRule … [G]` of a vhost gives 404 and 410 to anybody. */
  readonly certain: number;
  readonly earliest: UnixMs;
  readonly latest: UnixMs;
  /** One of them, so that a person can see where. */
  readonly path: string;
  /** Null where the log does not show it. */
  readonly vhost: string | null;
}
