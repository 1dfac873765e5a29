import { readFile } from "node:fs/promises";

/** A user of this system. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gids: readonly number[];
}

/** The first of these users that there is; null when there is none. */
export async function findAccount(...names: readonly string[]): Promise<Account | null> {
  const accounts = await entries("/etc/passwd");
  const account = names
    .map((name) => accounts.find((entry) => entry[0] === name))
    .find((entry) => entry !== undefined);
  if (account === undefined) return null;
  const [name, , uid, gid] = account as [string, string, string, string];
  const groups = (await entries("/etc/group")).filter((entry) => entry[3]?.split(",").includes(name));
  return { name, uid: Number(uid), gids: [Number(gid), ...groups.map((entry) => Number(entry[2]))] };
}

const entries = async (file: string): Promise<string[][]> =>
  (await readFile(file, "utf8")).split("\n").map((line) => line.split(":"));
