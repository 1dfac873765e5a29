import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { SEKISHO_LOG_FORMAT } from "../src/parse/named-formats.ts";

const PROGRAM = "/usr/sbin/apache2";
const MODULES = "/usr/lib/apache2/modules";

/** The server's own addresses. Every other address is a client's, if a request says so. */
export const SERVER_IPV4 = "192.0.2.1";
export const SERVER_IPV6 = "2001:db8:ffff::1";

export interface ApacheOptions {
  /** Text at server level, before the vhosts, where Debian includes conf-enabled/. */
  readonly config?: string | ((root: string) => string);
  /** Text inside the vhost site.example. */
  readonly site?: string;
}

export interface RequestOptions {
  /** Any address: the namespace owns them all. Its family picks the server's address. */
  readonly from: string;
  readonly path: string;
  readonly host?: "site.example" | "other.example";
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** A WebSocket handshake; the socket is closed once it is answered. */
  readonly upgrade?: boolean;
  /** Keeps the socket of the handshake open until `closeSockets`. */
  readonly hold?: boolean;
  /** Sent byte for byte instead of all of the above (latin1); the server must close the connection. */
  readonly raw?: string;
}

/** What the helper inside the namespace reads, and what it answers. */
export type Ask = Required<Omit<RequestOptions, "raw">> &
  Pick<RequestOptions, "raw"> & {
    readonly id: number;
    readonly to: string;
    /** Nothing is asked for: the sockets that are held are closed. */
    readonly release?: boolean;
  };
export interface Answer {
  readonly id: number;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly error?: string;
}

export interface Apache extends AsyncDisposable {
  /** The server's own directory, mode 0755: ban directories and includes can live in it. */
  readonly root: string;
  /** Takes `configtest` and `graceful`, like apache2ctl. */
  readonly control: string;
  readonly accessLog: string;
  readonly sekishoLog: string;
  readonly errorLog: string;
  readonly pid: number;
  /** The namespace's name, as `ip netns` and `nsenter --net=/run/netns/NAME` know it. */
  readonly namespace: string;
  request(options: RequestOptions): Promise<Omit<Answer, "id" | "error">>;
  /** Closes the WebSockets that requests with `hold` opened. */
  closeSockets(): Promise<void>;
  /** Kills every process of Apache's, and starts it anew. */
  crash(): Promise<void>;
  /** Starts a program in the namespace, a daemon under test for example. It is killed with the namespace. */
  inNamespace(command: string, args: readonly string[], options?: SpawnOptions): ChildProcess;
  /** How many graceful reloads there have been. */
  reloads(): number;
}

/** Servers that nobody has disposed of: a bench that is interrupted must leave nothing behind. */
const running = new Map<string, string>();
process.on("exit", () => {
  for (const [namespace, root] of running) remove(namespace, root);
});

/**
 * A real Apache 2.4 (event MPM) in a network namespace of its own, on ports 80 of 192.0.2.1 and 2001:db8:ffff::1,
 * beside a client that can have any source address. Needs root, apache2 and netns (test/requirements.ts).
 *
 * vhosts site.example (the default) and other.example; in each: / (200), /private/ (403), /members/ (401; user
 * `ann`, password `secret`), /app/pretty (an .htaccess rewrite), /old (301), and /ws/ proxied to a backend that
 * accepts every handshake; in site.example /ws/ has its own `Require all granted`.
 */
export async function startApache(options: ApacheOptions = {}): Promise<Apache> {
  const root = mkdtempSync(join(tmpdir(), "sekisho-apache-"));
  const namespace = `sekisho-${randomBytes(5).toString("hex")}`;
  const children: ChildProcess[] = [];
  const inNamespace = (command: string, args: readonly string[], how: SpawnOptions = {}): ChildProcess => {
    const child = spawn("nsenter", [`--net=/run/netns/${namespace}`, command, ...args], how);
    children.push(child);
    return child;
  };
  const dispose = async (): Promise<void> => {
    for (const child of children) child.kill("SIGTERM");
    await Promise.race([Promise.all(children.map(exited)), sleep(1_000, undefined, { ref: false })]);
    running.delete(namespace);
    remove(namespace, root);
  };
  try {
    running.set(namespace, root);
    makeNamespace(namespace);
    writeServer(root, namespace, options);
    const helper = inNamespace(process.execPath, [join(import.meta.dirname, "apache-inside.ts")], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const requests = new Requests(helper);
    const startServer = (): ChildProcess =>
      inNamespace(PROGRAM, ["-d", root, "-f", join(root, "apache.conf"), "-DFOREGROUND"], {
        stdio: ["ignore", "ignore", "inherit"],
      });
    const server = startServer();
    await Promise.all([requests.ready, listening(server, root)]);
    const errorLog = join(root, "error.log");
    return {
      root,
      control: join(root, "control"),
      accessLog: join(root, "access.log"),
      sekishoLog: join(root, "sekisho_access.log"),
      errorLog,
      pid: server.pid!,
      namespace,
      request: (request) => requests.send(request),
      closeSockets: () => requests.release(),
      async crash() {
        server.kill("SIGKILL");
        await exited(server);
        killAllIn(namespace, "apache2");
        rmSync(join(root, "apache.pid"));
        await listening(startServer(), root);
      },
      inNamespace,
      reloads: () => readFileSync(errorLog, "latin1").split("AH00493").length - 1,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

const exited = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
};

/** Every address is local there, so a client can have any; only the server's are the host's *own* addresses. */
function makeNamespace(name: string): void {
  execFileSync("ip", ["netns", "add", name]);
  const setUp = [
    "link set lo up",
    `address add ${SERVER_IPV4}/32 dev lo`,
    `address add ${SERVER_IPV6}/128 dev lo`,
    "route add local 0.0.0.0/0 dev lo",
    "-6 route add local ::/0 dev lo",
  ];
  for (const command of setUp) execFileSync("ip", ["-n", name, ...command.split(" ")]);
  // Lets a client bind to an IPv6 address that is local by its route only.
  execFileSync("nsenter", [`--net=/run/netns/${name}`, "sysctl", "-qw", "net.ipv6.ip_nonlocal_bind=1"]);
}

function remove(namespace: string, root: string): void {
  killAllIn(namespace);
  execFileSync("ip", ["netns", "delete", namespace]);
  rmSync(root, { recursive: true, force: true });
}

/** Whatever is still there, or what is of one program, grandchildren too, until all of it is gone. The namespace is ours, so all of it is. */
function killAllIn(namespace: string, program?: string): void {
  for (let isOver = false; !isOver; ) {
    isOver = true;
    const pids = execFileSync("ip", ["netns", "pids", namespace], { encoding: "utf8" });
    for (const pid of pids.split("\n").filter(Boolean)) {
      try {
        if (program !== undefined && readFileSync(`/proc/${pid}/comm`, "utf8").trim() !== program) continue;
        process.kill(Number(pid), "SIGKILL");
        // It may still write, hold its port, or have a child that was not there to be seen.
        isOver = false;
      } catch {
        // It ended by itself.
      }
    }
  }
}

async function listening(server: ChildProcess, root: string): Promise<void> {
  for (let waited = 0; waited < 60_000; waited += 10) {
    if (existsSync(join(root, "apache.pid"))) return;
    if (server.exitCode !== null) break;
    await sleep(10);
  }
  const log = join(root, "error.log");
  throw new Error(`Apache did not start: ${existsSync(log) ? readFileSync(log, "utf8") : "see above"}`);
}

class Requests {
  readonly ready: Promise<void>;
  readonly #helper: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #lastId = 0;

  constructor(helper: ChildProcess) {
    this.#helper = helper;
    this.ready = new Promise((resolve, reject) => {
      this.#waiting.set(0, () => resolve());
      helper.once("exit", () => reject(new Error("the client inside the namespace ended")));
    });
    createInterface({ input: helper.stdout! }).on("line", (line) => {
      const answer = JSON.parse(line) as Answer;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
  }

  async send(request: RequestOptions): Promise<Answer> {
    const ask = {
      to: request.from.includes(":") ? SERVER_IPV6 : SERVER_IPV4,
      host: "site.example" as const,
      method: "GET",
      headers: {},
      body: "",
      upgrade: false,
      hold: false,
      ...request,
    };
    const answer = await this.#ask(ask);
    if (answer.error !== undefined)
      throw new Error(`${ask.method} ${ask.path} from ${ask.from}: ${answer.error}`);
    return answer;
  }

  async release(): Promise<void> {
    await this.#ask({ release: true });
  }

  #ask(ask: Omit<Ask, "id"> | Pick<Required<Ask>, "release">): Promise<Answer> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#helper.stdin!.write(`${JSON.stringify({ id, ...ask })}\n`);
    });
  }
}

function writeServer(root: string, namespace: string, options: ApacheOptions): void {
  chmodSync(root, 0o755);
  for (const vhost of ["site", "other"]) {
    for (const area of ["private", "members", "app"]) mkdirSync(join(root, vhost, area), { recursive: true });
    for (const page of ["index.html", "private/index.html", "members/index.html", "app/page.html"]) {
      writeFileSync(join(root, vhost, page), `${vhost} ${page}\n`);
    }
    writeFileSync(
      join(root, vhost, "app/.htaccess"),
      "RewriteEngine On\nRewriteRule ^pretty$ page.html [L]\nRequire all granted\n",
    );
  }
  const password = createHash("sha1").update("secret").digest("base64");
  writeFileSync(join(root, "passwords"), `ann:{SHA}${password}\n`);
  const extra = typeof options.config === "function" ? options.config(root) : (options.config ?? "");
  const areas = vhost(
    "site",
    root,
    `<Location /ws/>\nRequire all granted\n</Location>\n${options.site ?? ""}`,
  );
  writeFileSync(
    join(root, "apache.conf"),
    `${serverConfig(root)}\n${extra}\n${areas}\n${vhost("other", root, "")}`,
  );
  const start = `nsenter --net=/run/netns/${namespace} ${PROGRAM} -d ${root} -f ${root}/apache.conf`;
  // Apache's own `graceful` only sends a signal; here it has happened when the program ends, so tests need not wait.
  writeFileSync(
    join(root, "control"),
    `#!/bin/sh
case $1 in
configtest) exec ${start} -t ;;
graceful)
  generations() { grep -c AH00489 ${root}/error.log; }
  before=$(generations)
  ${start} -t && ${start} -k graceful || exit 1
  for wait in $(seq 500); do [ "$(generations)" -gt "$before" ] && exit 0; sleep 0.01; done ;;
esac
exit 2
`,
    { mode: 0o755 },
  );
}

const LOADED = [
  ...[
    "mpm_event",
    "unixd",
    "log_config",
    "logio",
    "log_debug",
    "headers",
    "setenvif",
    "mime",
    "dir",
    "alias",
  ],
  ...["rewrite", "authn_core", "authn_file", "authz_core", "authz_host", "authz_user", "auth_basic"],
  ...["proxy", "proxy_http", "proxy_wstunnel", "remoteip", "status"],
];

/** Modules that a distribution may have built in are not loaded again. */
const serverConfig = (root: string): string => `
${LOADED.map((name) => `<IfModule !${name}_module>\nLoadModule ${name}_module ${MODULES}/mod_${name}.so\n</IfModule>`).join("\n")}
Listen ${SERVER_IPV4}:80
Listen [${SERVER_IPV6}]:80
ServerName localhost
User www-data
Group www-data
PidFile ${root}/apache.pid
DefaultRuntimeDir ${root}
TypesConfig /etc/mime.types
StartServers 1
ThreadsPerChild 25
MinSpareThreads 5
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined
LogFormat "${SEKISHO_LOG_FORMAT.replaceAll('"', '\\"')}" sekisho
CustomLog ${root}/access.log combined
CustomLog ${root}/sekisho_access.log sekisho
ErrorLog ${root}/error.log
<Directory />
  AllowOverride None
  Require all denied
</Directory>
<Location /server-status>
  SetHandler server-status
</Location>
`;

const vhost = (name: string, root: string, extra: string): string => `
<VirtualHost *:80>
  ServerName ${name}.example
  DocumentRoot ${root}/${name}
  <Directory ${root}/${name}>
    Require all granted
  </Directory>
  <Directory ${root}/${name}/app>
    AllowOverride All
  </Directory>
  <Directory ${root}/${name}/private>
    Require all denied
  </Directory>
  <Directory ${root}/${name}/members>
    AuthType Basic
    AuthName members
    AuthUserFile ${root}/passwords
    Require valid-user
  </Directory>
  Redirect permanent /old /app/page.html
  ProxyPass /ws/ http://127.0.0.1:9001/ upgrade=websocket
  ${extra}
</VirtualHost>
`;
