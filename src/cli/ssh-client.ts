import { readFileSync } from "node:fs";
import { type Ip, parseIp } from "../model/ip.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** sudo, a shell, su, another shell: more lies seldom between a command and the login. */
const MAX_ANCESTORS = 16;

/**
 * The address that the person comes from who runs this over ssh; null when that cannot be told. sudo takes the variable
 * away, so that of the processes that led here is read then.
 */
export const sshClient = (env: Environment): Ip | null => sshConnection(env).client;

/** Both ends of the connection over ssh; null what cannot be told. */
export function sshConnection(env: Environment): { readonly client: Ip | null; readonly server: Ip | null } {
  const told = env.SSH_CONNECTION ?? (env.SUDO_USER === undefined ? undefined : ofAncestors());
  // CLIENT PORT SERVER PORT
  const [client = "", , server = ""] = told?.split(" ") ?? [];
  return { client: parseIp(client), server: parseIp(server) };
}

function ofAncestors(): string | undefined {
  try {
    for (let pid = String(process.ppid), step = 0; pid !== "0" && step < MAX_ANCESTORS; step++) {
      const variables = readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
      const told = variables.find((variable) => variable.startsWith("SSH_CONNECTION="));
      if (told !== undefined) return told.slice("SSH_CONNECTION=".length);
      pid = /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? "0";
    }
  } catch {
    // No /proc, or not allowed to look.
  }
  return undefined;
}
