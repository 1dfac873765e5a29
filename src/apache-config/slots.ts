import type { ReadConfig, ReadProblem } from "./reader.ts";

/** ServerLimit of mpm_event and mpm_worker where the configuration says none. */
const SERVER_LIMIT = 16;

/**
 * Why Apache may be full before so many old processes linger that it is not reloaded any more; null where there is room. With prefork
 * a WebSocket takes a slot with or without a reload.
 */
export function withoutRoom({ directives }: ReadConfig, lingering: number): ReadProblem | null {
  const isPrefork = directives.some(
    ({ name, words }) => name === "loadmodule" && words[0] === "mpm_prefork_module",
  );
  if (isPrefork) return null;
  const told = directives.findLast(({ name, section }) => name === "serverlimit" && section === null);
  const limit = told === undefined ? SERVER_LIMIT : Number(told.words[0]);
  if (!(limit <= lingering)) return null;
  return {
    place: told?.place ?? null,
    message: `Apache has ${limit} processes at most (ServerLimit), and is reloaded until ${lingering} old ones hold WebSockets: then it would serve nobody`,
    hint: `set enforcers.apache-include.lingering to less than ${limit} less what MaxRequestWorkers needs, or raise ServerLimit`,
  };
}
