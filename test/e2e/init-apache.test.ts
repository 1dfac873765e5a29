import { describe, expect, test } from "vitest";
import { TREES, type Tree } from "../apache-config/trees.ts";
import { Machine } from "../machine.ts";
import { missing } from "../requirements.ts";
import { SEKISHO } from "./command-line.ts";

interface Plan {
  readonly apache: { readonly files: readonly string[] };
  readonly vhosts: readonly { readonly names: readonly string[]; readonly at: string }[];
  readonly logs: readonly {
    readonly kind: string;
    readonly path: string;
    readonly verdict: "read" | "left out" | "cannot be read";
  }[];
}

/** Starts the tree's Apache and sends each vhost a request of its own. */
async function serving(tree: Tree): Promise<Machine> {
  const machine = await Machine.start(tree.files);
  try {
    machine.shell(
      `${tree.start} && for i in $(seq 200); do [ -e /run/apache2/apache2.pid -o -e /run/httpd.pid ] && exit 0; sleep 0.05; done; exit 1`,
    );
    for (const [port, host] of tree.hosts) machine.get(port, `/${host}`, { host });
    return machine;
  } catch (error) {
    await machine[Symbol.asyncDispose]();
    throw error;
  }
}

const planOf = (machine: Machine): Plan => {
  const { exitStatus, stdout, stderr } = machine.run(SEKISHO, "init", "--json");
  expect({ exitStatus, stderr }).toEqual({ exitStatus: 0, stderr: "" });
  return JSON.parse(stdout) as Plan;
};

const written = (machine: Machine): string[] =>
  machine.shell("find /var/log/apache2 /var/log/httpd -type f | sort");
const isLike = (pattern: string) => {
  const escaped = pattern.replace(/[^\w/*]/g, "\\$&").replaceAll("*", "[^/]*");
  return (file: string): boolean => new RegExp(`^${escaped}$`).test(file);
};

describe.skipIf(missing("root", "apache2", "netns"))("against a real Apache with", () => {
  describe.each(Object.entries(TREES))("%s configuration", (_name, tree) => {
    test("init names the files that Apache writes, all of them and no other", async () => {
      await using machine = await serving(tree);
      const { logs } = planOf(machine);
      const paths = [...new Set(logs.map(({ path }) => path).filter((path) => path.startsWith("/var/")))];
      const unwritten = () => {
        const files = written(machine);
        return paths.filter((path) => !files.some(isLike(path)));
      };
      // A program behind a pipe makes its file when Apache's line comes to it.
      await expect.poll(unwritten).toEqual([]);
      const unnamed = written(machine).filter((file) => !paths.some((path) => isLike(path)(file)));
      expect(unnamed).toEqual([]);
    });

    test("init reads the files and finds the vhosts that Apache says it has", async () => {
      await using machine = await Machine.start(tree.files);
      const says = (what: string) =>
        machine.shell(tree.start.replace("-k start", `-t -D ${what} 2>/dev/null`)).join("\n");
      const included = [...says("DUMP_INCLUDES").matchAll(/^ *\((?:\*|\d+)\) (.+)$/gm)].map(
        ([, path]) => path,
      );
      const { apache, vhosts } = planOf(machine);
      expect([...new Set(included)].sort()).toEqual([...apache.files].sort());

      const named = [...says("DUMP_VHOSTS").matchAll(/(\S+) \((\/etc\/[^()]+:\d+)\)$/gm)];
      const own = vhosts.filter(({ names, at }) => names.length > 0 && !at.includes("macro"));
      expect(new Set(own.map(({ names, at }) => `${names[0]} ${at}`))).toEqual(
        new Set(
          named.filter(([, name]) => name!.endsWith(".example")).map(([, name, at]) => `${name} ${at}`),
        ),
      );
    });

    test("each request is in exactly one of the logs that would be read", async () => {
      await using machine = await serving(tree);
      const read = planOf(machine).logs.filter(
        ({ kind, verdict }) => kind === "access" && verdict === "read",
      );
      const linesWith = (host: string): string[] => {
        const files = written(machine).filter((file) => read.some(({ path }) => isLike(path)(file)));
        const lines = machine.run("cat", ...files).stdout.split("\n");
        return lines.filter((line) => line.includes(`GET /${host} `));
      };
      for (const [, host] of tree.hosts) {
        await expect.poll(() => linesWith(host)).toHaveLength(1);
      }
    });
  });
});
