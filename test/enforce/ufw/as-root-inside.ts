/** Root's half of ufw as a process of its own, which a test can kill. Its argument: how, as JSON. */

import { UfwAsRoot } from "../../../src/enforce/ufw/as-root.ts";
import type { UfwProgramOptions } from "../../../src/enforce/ufw/program.ts";
import { newUfw } from "../../../src/enforce/ufw/ufw.ts";
import { unixMs } from "../../../src/model/time.ts";

const clock = { now: () => unixMs(Date.now()) };
const { limit, requests, answers, ...program } = JSON.parse(
  process.argv[2]!,
) as Partial<UfwProgramOptions> & {
  readonly limit: number;
  readonly requests: string;
  readonly answers: string;
};
await new UfwAsRoot({
  ...{ requests, answers, clock, users: [0] },
  orders: async () => ({
    ufw: newUfw({ ports: [80, 443], limit, rest: 0 }, clock, program),
    mayBlock: true,
    isProtected: () => false,
  }),
}).run(new AbortController().signal);
