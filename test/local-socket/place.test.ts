import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { listenAt, placeProblem, type SocketPlace } from "../../src/local-socket/place.ts";
import { asNobody } from "../config/as-nobody.ts";
import { missing } from "../requirements.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const place = (path: string, more: Partial<SocketPlace> = {}): SocketPlace => ({
  path,
  group: null,
  mode: 0o660,
  ...more,
});

class Listener implements Disposable {
  readonly server: Server = createServer((socket) => socket.on("error", () => {}).end("hello"));
  [Symbol.dispose](): void {
    this.server.close();
  }
}
const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "none",
    (error: { code?: string }) => error.code ?? String(error),
  );

/** A program that connects as another user, who is in these groups, and prints what that answers. */
const connecting = (path: string, uid: number, gid: number, groups: readonly number[]): string[] => [
  "--input-type=module",
  "--eval",
  `process.setgroups(${JSON.stringify(groups)}); process.setgid(${gid}); process.setuid(${uid});
   const { connect } = await import("node:net");
   const socket = connect(${JSON.stringify(path)});
   socket.on("error", (error) => console.log(error.code));
   socket.on("data", (text) => console.log(String(text)));`,
];

async function connectAs(...who: Parameters<typeof connecting>): Promise<string> {
  const child = spawn(process.execPath, connecting(...who));
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  await once(child, "close");
  return output.trim();
}

describe.skipIf(missing("root"))("who connects is for the kernel to check:", () => {
  const NOBODY = 65_534;
  const GROUP = 4_711;

  test("a user who is not in the group is refused, a member is let in", async () => {
    using folder = temporaryFolder();
    chmodSync(folder.path, 0o755);
    const path = join(folder.path, "chat.sock");
    using listener = new Listener();
    await listenAt(listener.server, place(path, { group: String(GROUP) }));
    expect(statSync(path)).toMatchObject({ gid: GROUP, uid: process.getuid!() });
    expect(statSync(path).mode & 0o7777).toBe(0o660);
    const answers = await Promise.all([
      connectAs(path, NOBODY, NOBODY, []),
      connectAs(path, NOBODY, NOBODY, [GROUP]),
      connectAs(path, NOBODY, GROUP, []),
    ]);
    expect(answers).toEqual(["EACCES", "hello", "hello"]);
  });

  test("while it is being made, nobody else gets near it", async () => {
    using folder = temporaryFolder();
    chmodSync(folder.path, 0o755);
    using listener = new Listener();
    const seen: string[] = [];
    const listen = listener.server.listen.bind(listener.server);
    // As if the process were stopped right behind the call that makes the socket, before its permissions are set.
    listener.server.listen = ((path: string, ...rest: never[]) => {
      const server = listen(path, ...rest);
      seen.push(
        spawnSync(process.execPath, connecting(path, NOBODY, NOBODY, [GROUP]))
          .stdout.toString()
          .trim(),
      );
      return server;
    }) as typeof listener.server.listen;
    await listenAt(listener.server, place(join(folder.path, "chat.sock"), { group: String(GROUP) }));
    expect(seen).toEqual(["EACCES"]);
    expect(readdirSync(folder.path)).toEqual(["chat.sock"]);
  });

  test("a folder of another user is refused", async () => {
    using folder = temporaryFolder();
    chownSync(folder.path, NOBODY, NOBODY);
    using listener = new Listener();
    expect(await codeOf(listenAt(listener.server, place(join(folder.path, "x.sock"))))).toBe("SOCKET_UNSAFE");
  });

  test("a folder of the service's user is fine where root looks, who does not run it", () => {
    using folder = temporaryFolder();
    const [data, others] = [join(folder.path, "data"), join(folder.path, "others")];
    for (const each of [data, others]) mkdirSync(each);
    chownSync(data, NOBODY, NOBODY);
    chownSync(folder.path, NOBODY, NOBODY);
    const asked = place(join(folder.path, "x.sock"));
    const problem = (where: string | null) => placeProblem(asked, where)?.code ?? null;
    expect([data, others, join(others, "none"), null].map(problem)).toEqual([
      null,
      "SOCKET_UNSAFE",
      "SOCKET_UNSAFE",
      "SOCKET_UNSAFE",
    ]);
  });

  test("a link that another user can point elsewhere is refused", async () => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, "real"));
    symlinkSync(join(folder.path, "real"), join(folder.path, "link"));
    spawnSync("chown", ["-h", String(NOBODY), join(folder.path, "link")]);
    using listener = new Listener();
    expect(await codeOf(listenAt(listener.server, place(join(folder.path, "link/x.sock"))))).toBe(
      "SOCKET_UNSAFE",
    );
  });

  test("a group that the user is no member of is told before the start, too", () => {
    using folder = temporaryFolder();
    chmodSync(folder.path, 0o755);
    const module = join(import.meta.dirname, "../../src/local-socket/place.ts");
    const asked = JSON.stringify({ path: join(folder.path, "x.sock"), group: String(GROUP) });
    expect(asNobody(module, "placeProblem", `return placeProblem(${asked}).message`)).toMatch(
      /user is no member of the group '4711'/,
    );
  });

  test("a folder in which a user may not write is told before the start, too", () => {
    using folder = temporaryFolder();
    chmodSync(folder.path, 0o755);
    const module = join(import.meta.dirname, "../../src/local-socket/place.ts");
    const asked = JSON.stringify({ path: join(folder.path, "x.sock"), group: null });
    expect(asNobody(module, "placeProblem", `return placeProblem(${asked}).code`)).toBe("SOCKET_FAILED");
  });
});

describe("what is in the place of the socket", () => {
  test("is replaced when nobody listens on it any more", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "chat.sock");
    const killed = spawnSync(process.execPath, [
      "--eval",
      `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`,
    ]);
    expect([killed.signal, lstatSync(path).isSocket()]).toEqual(["SIGKILL", true]);
    using listener = new Listener();
    await listenAt(listener.server, place(path));
    const answer = await new Promise((resolve) =>
      connect(path).once("data", (text) => resolve(text.toString())),
    );
    expect(answer).toBe("hello");
  });

  test("stays when another process listens on it", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "chat.sock");
    using first = new Listener();
    await listenAt(first.server, place(path));
    const { ino } = lstatSync(path);
    using second = new Listener();
    expect(await codeOf(listenAt(second.server, place(path)))).toBe("SOCKET_IN_USE");
    expect(lstatSync(path).ino).toBe(ino);
  });

  test("stays when it is no socket", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "chat.sock");
    writeFileSync(path, "precious");
    using listener = new Listener();
    expect(await codeOf(listenAt(listener.server, place(path)))).toBe("SOCKET_FAILED");
    expect(placeProblem(place(path))).toMatchObject({ code: "SOCKET_FAILED" });
    expect([statSync(path).size, readdirSync(folder.path)]).toEqual([8, ["chat.sock"]]);
  });
});

describe("the folder", () => {
  test("is made where it is missing, so that others may pass and not write", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "run/audit/chat.sock");
    expect(placeProblem(place(path))).toBeNull();
    expect(existsSync(join(folder.path, "run"))).toBe(false);
    using listener = new Listener();
    await listenAt(listener.server, place(path));
    expect(statSync(join(folder.path, "run/audit")).mode & 0o777).toBe(0o755);
  });

  test("is made so whatever the umask", () => {
    using folder = temporaryFolder();
    const module = pathToFileURL(join(import.meta.dirname, "../../src/local-socket/place.ts")).href;
    const place = { path: join(folder.path, "run/audit/chat.sock"), group: null, mode: 0o660 };
    const program = `
      const { listenAt } = await import(${JSON.stringify(module)});
      const { createServer } = await import("node:net");
      process.umask(0o777);
      const server = createServer();
      await listenAt(server, ${JSON.stringify(place)});
      process.exit();`;
    const { status } = spawnSync(process.execPath, ["--input-type=module", "--eval", program]);
    expect([status, statSync(place.path).mode & 0o777]).toEqual([0, 0o660]);
    expect(
      [statSync(join(folder.path, "run")), statSync(join(folder.path, "run/audit"))].map(
        ({ mode }) => mode & 0o777,
      ),
    ).toEqual([0o755, 0o755]);
  });

  test("is not made where others may write", async () => {
    using folder = temporaryFolder();
    chmodSync(folder.path, 0o777);
    using listener = new Listener();
    expect(await codeOf(listenAt(listener.server, place(join(folder.path, "run/x.sock"))))).toBe(
      "SOCKET_UNSAFE",
    );
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test.each([0o777, 0o775, 0o1777])("is refused when others may write there: %o", async (mode) => {
    using folder = temporaryFolder();
    chmodSync(folder.path, mode);
    const path = join(folder.path, "chat.sock");
    using listener = new Listener();
    expect(await codeOf(listenAt(listener.server, place(path)))).toBe("SOCKET_UNSAFE");
    expect(placeProblem(place(path))).toMatchObject({ code: "SOCKET_UNSAFE" });
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test("is refused when others may exchange one above it", async () => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, "open/closed"), { recursive: true });
    chmodSync(join(folder.path, "open"), 0o777);
    using listener = new Listener();
    expect(await codeOf(listenAt(listener.server, place(join(folder.path, "open/closed/x.sock"))))).toBe(
      "SOCKET_UNSAFE",
    );
  });
});

test("a group that there is not is named", () => {
  using folder = temporaryFolder();
  const problem = placeProblem(place(join(folder.path, "x.sock"), { group: "no-such-group" }));
  expect(problem).toMatchObject({
    code: "SOCKET_FAILED",
    message: expect.stringContaining("no-such-group"),
  });
});
