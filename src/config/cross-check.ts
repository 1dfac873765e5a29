import { SekishoError } from "../model/errors.ts";
import type { SourceKind } from "../model/event.ts";
import { socketName, socketProblems, sourceProblems } from "./audit-log.ts";
import type { Config, WrittenConfig } from "./schema.ts";

/** Throws a SekishoError when a log format cannot be read. */
export type CheckFormat = (kind: SourceKind, format: string) => void;

/** What is wrong at a key of the configuration, and what to write there. */
interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What one key alone cannot tell. */
export const crossCheck = (
  config: Config,
  written: WrittenConfig,
  checkFormat: CheckFormat,
): readonly Problem[] => [
  ...config.logs.flatMap((log, index) =>
    [...logProblems(log, index, config, written, checkFormat)].map(([key, message]) => ({
      path: ["logs", index, key],
      message,
    })),
  ),
  ...listProblems(config),
  ...guardProblems(config),
  ...otherProblems(config),
];

function* logProblems(
  log: Config["logs"][number],
  index: number,
  { logs }: Config,
  written: WrittenConfig,
  checkFormat: CheckFormat,
): Iterable<readonly [key: string, message: string]> {
  const { path, socket } = log;
  const first = logs.findIndex((each) => each.path === path);
  if (first < index && socket !== undefined) {
    const named = socketName(socket);
    yield ["socket", `logs[${first}] has a socket of that name: call this one otherwise than '${named}'`];
  } else if (first < index) {
    yield [
      "path",
      `'${path}' is read by logs[${first}] already, so each line would count twice; keep one of them`,
    ];
  }
  if (path.split("/").includes("**"))
    yield ["path", `'${path}' has ** for folders at any depth; write a star for the name of each folder`];
  yield* sourceProblems(written.logs[index]!, log);
  if (log.fields !== undefined && log.format !== "json")
    yield ["fields", "is only for format: json; remove it"];
  const wrong = formatProblem(log.kind, log.format, checkFormat);
  if (wrong !== null) yield ["format", wrong];
}

function formatProblem(kind: SourceKind, format: string, checkFormat: CheckFormat): string | null {
  try {
    checkFormat(kind, format);
    return null;
  } catch (error) {
    if (error instanceof SekishoError) return `${error.message}; ${error.hint}`;
    throw error;
  }
}

const listProblems = ({ lists }: Config): readonly Problem[] =>
  lists.flatMap(({ name }, index) => {
    const first = lists.findIndex((list) => list.name === name);
    const message = `lists[${first}] is called '${name}' already; give this one another name`;
    return first === index ? [] : [{ path: ["lists", index, "name"], message }];
  });

const guardProblems = ({ enforcers: { guard } }: Config): readonly Problem[] =>
  guard === undefined
    ? []
    : Array.from(socketProblems(guard.socket), (message) => ({
        path: ["enforcers", "guard", "socket"],
        message,
      }));

function* otherProblems({ policy, dashboard: { listen, allowRemote } }: Config): Iterable<Problem> {
  if (policy.max < policy.ban)
    yield { path: ["policy", "max"], message: "is shorter than policy.ban; write a longer one" };
  if (allowRemote || isLoopback(listen.host)) return;
  const message = `${listen.host} can be reached by other machines; write 127.0.0.1:${listen.port}, or set dashboard.allowRemote: true`;
  yield { path: ["dashboard", "listen"], message };
}

const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
