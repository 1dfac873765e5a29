import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { BootedSystem, CHECKOUT, CLIENT, SERVER } from "../booted-system.ts";
import { missing } from "../requirements.ts";

const UNITS = join(import.meta.dirname, "../../systemd");
/** Root's copy of the list, which Apache includes. */
const LIST = "/var/lib/sekisho-apache/blocklist.conf";
const soon = { timeout: 60_000, interval: 200 };

describe.skipIf(missing("systemd"))("the units", () => {
  test.each([
    ["sekisho.service", 2],
    ["sekisho-expire.service", 2],
    ["sekisho-apache.service", 2],
    ["sekisho-ufw.service", 2],
  ])("%s is exposed by %s of 10 at most", (unit, most) => {
    const args = ["security", "--offline=yes", "--no-pager", join(UNITS, unit)];
    const { stdout } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
    const [, level] = /Overall exposure level for \S+: ([\d.]+)/.exec(stdout)!;
    expect(Number(level)).toBeLessThanOrEqual(most);
  });

  test("root's half of a reload and its other half are shell without mistakes", () => {
    for (const script of ["apache-as-root", "apache-control"])
      expect(() => execFileSync("sh", ["-n", join(UNITS, script)])).not.toThrow();
  });
});

describe.skipIf(missing("root", "netns", "systemd", "apache2"))("under a real systemd", () => {
  let system: BootedSystem;
  beforeAll(async () => {
    system = await BootedSystem.boot();
    system.shell("systemctl start apache2");
  });
  afterAll(() => system?.[Symbol.asyncDispose]());
  const sekisho = (command: string) => system.run(`/usr/local/bin/sekisho ${command}`);

  test("install shows its plan first, then sets up a service that observes; again it changes nothing", async () => {
    expect(system.shell(`${CHECKOUT}/bin/sekisho install`)).toContain(
      "Nothing was changed. --yes carries this out.",
    );
    expect(system.run("test -e /opt/sekisho").exitStatus).toBe(1);
    expect(system.shell(`${CHECKOUT}/bin/sekisho install --yes`)).toContain("sudo sekisho link");
    expect(sekisho("link").stdout).toMatch(/^Dashboard: http:\/\/127\.0\.0\.1:7080\/#code=\S+\n/);
    await vi.waitFor(
      () => expect(system.run("journalctl -u sekisho | grep Dashboard").stdout).toContain("#code="),
      soon,
    );
    expect(system.shell("systemctl is-active sekisho sekisho-apache.path sekisho-expire.timer")).toBe(
      "active\nactive\nactive\n",
    );
    const status = system.shell("systemctl show sekisho -p StatusText -p User -p AmbientCapabilities");
    expect(status).toContain("StatusText=watching in observe mode");
    expect(status).toContain("User=sekisho");
    expect(system.shell("ps -o user= -p $(systemctl show sekisho -p MainPID --value)").trim()).toBe(
      "sekisho",
    );
    expect(system.shell("stat -c '%a %U' /var/lib/sekisho /run/sekisho /run/sekisho/banned")).toBe(
      "700 sekisho\n711 sekisho\n711 sekisho\n",
    );
    expect(system.shell("cat /etc/sekisho/sekisho.yaml")).toContain(
      "control: /opt/sekisho/libexec/apache-control",
    );
    expect(system.shell("cat /usr/local/share/bash-completion/completions/sekisho")).toBe(
      sekisho("completion bash").stdout,
    );
    const again = system.shell(`${CHECKOUT}/bin/sekisho install`);
    expect(again).not.toMatch(/^- (copy|write|link|user)/m);
    // Its two minutes would be over in the middle of any test after this.
    system.shell("systemctl stop sekisho-expire.timer");
  });

  test("without root it bans by Apache at once and has root reload the list", async () => {
    const config = "/etc/sekisho/sekisho.yaml";
    system.shell(
      `sed -i 's/^mode: observe.*/mode: enforce/; s/^#enforcers:/enforcers:/; s/^#  apache-directory/  apache-directory/' ${config} &&
       echo '  apache-include: { control: /opt/sekisho/libexec/apache-control, schedule: "* * * * *" }' >> ${config} &&
       /usr/local/bin/sekisho apache snippet --config ${config} > /etc/apache2/conf-enabled/sekisho.conf &&
       systemctl reload sekisho`,
    );
    await vi.waitFor(() => expect(sekisho(`status --config ${config}`).stdout).toMatch(/enforce/), soon);
    await vi.waitFor(
      () => expect(sekisho(`status --config ${config}`).stdout).toMatch(/in-sync {2}apache-include/),
      soon,
    );
    const shown = () => system.shell("systemctl show sekisho -p StatusText");
    await vi.waitFor(() => expect(shown()).toBe("StatusText=watching in enforce mode\n"), soon);
    // As a key or a part of the configuration may be.
    system.shell(
      "mkdir -p /home/ann && touch /home/ann/site.conf && echo Include /home/ann/site.conf > /etc/apache2/conf-enabled/ann.conf",
    );
    system.shell("apache2ctl configtest && apache2ctl graceful");
    expect(system.statusForClient("/")).toBe(200);
    system.shell(`/usr/local/bin/sekisho ban ${CLIENT} --for 1h --config ${config}`);
    await vi.waitFor(() => expect(system.statusForClient("/")).toBe(403), soon);
    // And by the list, for which root reloads Apache.
    const apply = `fetch("http://127.0.0.1:7080/api/enforcers/apache-include/apply", { method: "POST", headers: { authorization: "Bearer $(cat /var/lib/sekisho/token)" } }).then((answer) => process.exit(answer.ok ? 0 : 1))`;
    system.shell(
      `${CHECKOUT}/bin/node -e '${apply.replace("$(cat /var/lib/sekisho/token)", `'"$(cat /var/lib/sekisho/token)"'`)}'`,
    );
    expect(system.shell("cat /var/lib/sekisho/apache/blocklist.conf.applied")).toContain(CLIENT);
    expect(system.shell(`grep IncludeOptional /etc/apache2/conf-enabled/sekisho.conf; cat ${LIST}`)).toMatch(
      new RegExp(`IncludeOptional ${LIST}[^]*Require not ip .*${CLIENT}`),
    );
    expect(system.shell(`stat -c '%U %a' ${LIST} /var/lib/sekisho-apache`)).toBe("root 640\nroot 750\n");
    expect(system.shell("stat -c '%U %a' /run/sekisho-apache /run/sekisho-apache/*")).toMatch(
      /^root 750\n(root 640\n)+$/,
    );
    system.shell(`/usr/local/bin/sekisho unban ${CLIENT} --config ${config}`);
    await vi.waitFor(() => expect(system.statusForClient("/")).toBe(200), { timeout: 60_000, interval: 300 });
  });

  test("root's half believes one word and nothing else", async () => {
    // That of the reload before may still be about to leave its answer.
    const atWork = () =>
      system.shell("systemctl show sekisho-apache -p ActiveState; ls -A /run/sekisho/control");
    await vi.waitFor(() => expect(atWork()).toBe("ActiveState=inactive\n"), soon);
    const ask = (text: string) =>
      system.shell(
        `systemctl stop sekisho-apache.path; printf '%s' '${text}' > /run/sekisho/control/request; systemctl start sekisho-apache; ls -A /run/sekisho-apache /run/sekisho/control`,
      );
    const before = ask("");
    for (const text of [
      "x stop",
      "x graceful-stop",
      "../x graceful",
      "$(id) graceful",
      `${"a".repeat(90)} graceful`,
      "x graceful; id",
    ])
      expect(ask(text)).toBe(before);
    for (const put of ["ln -s /etc/shadow", "mkfifo", "mkdir -m 0"])
      system.shell(
        `cd /run/sekisho/control && ${put} request && chown -h sekisho request && systemctl start sekisho-apache && test -s /etc/shadow && test ! -e request -a ! -L request`,
      );
    expect(ask("")).not.toBe(before);
    system.shell("rmdir /run/sekisho/control/.refused-*");
    expect(ask("")).toBe(before);
    expect(ask("abc123 configtest")).toContain("abc123");
    expect(system.shell("cat /run/sekisho-apache/abc123")).toMatch(/^0\n/);
    // Whoever stopped Apache wants it stopped.
    system.shell("systemctl stop apache2");
    await vi.waitFor(() => expect(system.run("pgrep apache2").stdout).toBe(""), soon);
    ask("abc124 graceful");
    expect(system.run("pgrep -a apache2").stdout).toBe("");
    expect(system.shell("cat /run/sekisho-apache/abc124; systemctl start apache2")).toMatch(/^0\n/);
    system.shell("systemctl start sekisho-apache.path");
  });

  test("what is not a list of addresses never comes to Apache, whatever the user sekisho puts in its place", async () => {
    const written = "/var/lib/sekisho/apache/blocklist.conf";
    const ask =
      "setpriv --reuid=sekisho --regid=sekisho --clear-groups /opt/sekisho/libexec/apache-control configtest 2>&1";
    system.shell(`systemctl stop sekisho; cp -a ${written} /root/written; ${ask}`);
    const before = system.shell(`cat ${LIST}; ls -A /var/lib/sekisho-apache`);
    const answerTo = (put: string) => {
      system.shell(`rm -rf ${written}; ${put} ${written}; chown -h sekisho ${written}`);
      const { exitStatus, stdout } = system.run(ask);
      expect([put, exitStatus, system.shell(`cat ${LIST}; ls -A /var/lib/sekisho-apache`)]).toEqual([
        put,
        1,
        before,
      ]);
      return stdout;
    };
    for (const put of [
      "echo LoadFile /var/lib/sekisho/own.so >",
      "printf 'Require not ip 192.0.2.99 \\\\\n/etc/shadow\n' >",
      "printf 'Require not ip 192.0.2.99\\0\nLoadFile x\n' >",
      "yes Require not ip 192.0.2.99 | head -n 3000 >",
      "ln -s /etc/shadow",
      "mkfifo",
    ])
      expect(answerTo(put)).toContain("Apache goes on with the list of before");
    // An address for a shell script need not be one for Apache, which would not start with it at the next boot.
    expect(answerTo("echo Require not ip 9:9 >")).toContain("9:9");

    // Where Apache is no more, an empty list is no mistake, or Sekisho could not be uninstalled.
    const rename = (from: string, to: string) =>
      `for each in apache2ctl apachectl; do mv /usr/sbin/$each${from} /usr/sbin/$each${to}; done`;
    system.shell(`systemctl stop apache2; ${rename("", ".away")}`);
    await vi.waitFor(() => expect(system.run("pgrep apache2").stdout).toBe(""), soon);
    for (const [text, answer] of [
      ["Require not ip 192.0.2.99", 127],
      ["# nobody", 0],
    ] as const)
      expect(system.run(`echo '${text}' > ${written}; ${ask}`).exitStatus).toBe(answer);
    system.shell(`${rename(".away", "")}; systemctl start apache2`);
    system.shell(`rm ${written}; mv /root/written ${written}; ${ask}; systemctl start sekisho`);
  });

  test("a request that cannot be taken away keeps no core busy, and what another folder has in its place stays", () => {
    const folder = "/run/sekisho/control";
    system.shell("systemctl stop sekisho-apache.path");
    const isRefused = () => {
      const { exitStatus, stdout } = system.run(
        "date +%s%N; systemctl start sekisho-apache; status=$?; date +%s%N; exit $status",
      );
      const [from, to] = stdout.trim().split("\n").map(Number);
      expect(exitStatus).toBe(1);
      expect((to! - from!) / 1e9).toBeGreaterThan(0.9);
    };
    system.shell(`echo abc125 configtest > ${folder}/request && chmod 0500 ${folder}`);
    isRefused();
    system.shell(`rm ${folder}/request && mv ${folder} ${folder}.own && mkdir /run/other`);
    system.shell(`echo abc125 configtest > /run/other/request && ln -s /run/other ${folder}`);
    isRefused();
    // Nor does root put a request there, as after a panic.
    system.shell("touch -d @0 /run/other");
    expect(system.run("/opt/sekisho/libexec/apache-control graceful").exitStatus).not.toBe(0);
    expect(system.shell("stat -c %Y /run/other")).toBe("0\n");
    expect(system.shell(`cat /run/other/request; rm ${folder}; mv ${folder}.own ${folder}`)).toMatch(
      /^abc125/,
    );
    system.shell(`chmod 0770 ${folder} && rm -r /run/other && systemctl start sekisho-apache.path`);
  });

  test("after a panic by root, with the service stopped, the service goes on", async () => {
    const config = "--config /etc/sekisho/sekisho.yaml";
    system.shell(`systemctl start sekisho && /usr/local/bin/sekisho ban 203.0.113.80 ${config}`);
    await vi.waitFor(() => system.shell("grep 203.0.113.80 /var/lib/sekisho/apache/blocklist.conf"), soon);
    // Whatever else is wrong with Apache: nobody is left in what it reads when it is started again.
    const broken = "/etc/apache2/conf-enabled/broken.conf";
    system.shell(`systemctl stop sekisho && grep 203.0.113.80 ${LIST} && echo NoSuchDirective > ${broken}`);
    expect(sekisho(`panic ${config}`).exitStatus).toBe(3);
    expect(system.run(`grep 203.0.113.80 ${LIST}`).exitStatus).toBe(1);
    system.shell(`rm ${broken} && /usr/local/bin/sekisho panic ${config}`);
    system.shell(`/usr/local/bin/sekisho panic --end ${config} && systemctl start sekisho`);
    await vi.waitFor(
      () => expect(sekisho(`status ${config}`).stdout).toMatch(/in-sync {2}apache-include/),
      soon,
    );
    expect(system.shell("find /var/lib/sekisho ! -user sekisho")).toBe("");
  });

  test.skipIf(missing("ufw", "nft"))("without root it has root's ufw block", async () => {
    const own = "/etc/sekisho/sekisho.yaml";
    const state = () => sekisho(`status --config ${own}`).stdout;
    const rules = () => system.shell("ufw status");
    const connects = () =>
      system.run(
        `ip netns exec client ${CHECKOUT}/bin/node -e 'require("net").connect(80, "${SERVER}", process.exit); setTimeout(() => process.exit(1), 1000)'`,
      ).exitStatus === 0;
    system.shell(
      `sed -i 's/^IPT_SYSCTL=.*/IPT_SYSCTL=/' /etc/default/ufw && ufw allow 80/tcp && ufw --force enable && cp -a ${own} ${own}.before &&
       sed -i '/^enforcers:/,$d' ${own} && printf 'enforcers:\n  ufw: { requests: /run/sekisho/ufw }\n' >> ${own} && chmod 666 ${own} &&
       systemctl reload sekisho`,
    );
    // Whoever may write the configuration would be root.
    await vi.waitFor(() => expect(state()).toMatch(/problem: ufw: .* not root's alone to write/), soon);
    system.shell(`chmod 640 ${own} && systemctl reload sekisho`);
    await vi.waitFor(() => expect(state()).toMatch(/in-sync +ufw/), soon);
    system.shell(`/usr/local/bin/sekisho ban ${CLIENT} --config ${own}`);
    await vi.waitFor(() => expect(rules()).toMatch(new RegExp(`DENY +${CLIENT} +# sekisho until`)), soon);
    expect(connects()).toBe(false);
    system.shell(
      `/usr/local/bin/sekisho unban ${CLIENT} --config ${own} && /usr/local/bin/sekisho ban 203.0.113.7 --config ${own}`,
    );
    await vi.waitFor(() => expect(rules()).toMatch(/203\.0\.113\.7 /), soon);
    expect(rules()).not.toContain(CLIENT);
    expect(connects()).toBe(true);

    // Where no Sekisho runs, the timer's service asks in the same way.
    const rule = "deny proto tcp from 203.0.113.8 to any port 80,443";
    system.shell(
      `systemctl stop sekisho && ufw prepend ${rule} comment 'sekisho until 2020-01-01T00:00:00Z'`,
    );
    system.shell("systemctl start sekisho-expire.service");
    expect(rules()).toContain("203.0.113.7 ");
    expect(rules()).not.toContain("203.0.113.8 ");

    // Whoever asks as the user sekisho locks nobody out: not this host, loopback, everybody.
    const spared = [`${SERVER}/32`, "127.0.0.1/32", "::1/128", "0.0.0.0/0", "128.0.0.0/1"];
    const id = "0123456789abcdef01234567";
    const want = [...spared, "203.0.113.9/32"].map((target) => [target, null, false]);
    system.shell(
      `printf '%s' '${JSON.stringify({ id, action: "reconcile", want })}' > /run/sekisho/ufw/.new && cd /run/sekisho/ufw && chown sekisho .new && mv .new request`,
    );
    await vi.waitFor(() => system.shell(`test -e /run/sekisho-ufw/${id}`), soon);
    expect(JSON.parse(system.shell(`cat /run/sekisho-ufw/${id}`)).unenforced).toEqual(spared);
    expect(rules().match(/\S+(?= +# sekisho)/g)).toEqual(["203.0.113.9"]);

    // Taken out of the configuration, it lifts what is left.
    system.shell(`mv ${own}.before ${own} && systemctl start sekisho`);
    // By ufw's file: who asks ufw again and again holds it up.
    const isLifted = () => expect(system.shell("cat /etc/ufw/user.rules")).not.toContain("203.0.113.9");
    await vi.waitFor(isLifted, soon);
    system.shell("ufw --force disable");
  });

  test("a killed daemon comes back, and what expired while it was away is lifted", async () => {
    const config = "--config /etc/sekisho/sekisho.yaml";
    system.shell("systemctl kill --kill-whom=main --signal=KILL sekisho");
    await vi.waitFor(
      () => expect(system.shell("systemctl show sekisho -p NRestarts")).not.toBe("NRestarts=0\n"),
      soon,
    );
    await vi.waitFor(() => expect(sekisho(`status ${config}`).exitStatus).toBe(0), soon);
    // By a request to where Apache's own configuration says.
    await vi.waitFor(
      () => expect(sekisho(`status ${config}`).stdout).toMatch(/in-sync +apache-directory .*proven \d+s ago/),
      soon,
    );
    // On a busy machine a ban may be over before all of this was done.
    for (let seconds = 8; ; seconds *= 2) {
      const over = Date.now() + seconds * 1_000;
      system.shell(
        `systemctl start sekisho && /usr/local/bin/sekisho ban ${CLIENT} --for ${seconds}s ${config}`,
      );
      const running = system.statusForClient("/");
      system.shell("systemctl stop sekisho");
      const stopped = system.statusForClient("/");
      if (Date.now() > over) continue;
      expect([running, stopped]).toEqual([403, 403]);
      break;
    }
    await vi.waitFor(() => {
      system.shell("systemctl start sekisho-expire.service");
      expect(system.statusForClient("/")).toBe(200);
    }, soon);
    // A start waits for one that is under way.
    system.shell(
      `mkdir /run/systemd/system/sekisho-expire.service.d && cd /run/systemd/system/sekisho-expire.service.d &&
       printf '[Service]\nExecStartPre=/bin/sleep 3\n' > slow.conf && systemctl daemon-reload && systemctl start --no-block sekisho-expire.service`,
    );
    expect(system.shell("systemctl start sekisho; systemctl show sekisho-expire -p ActiveState")).toBe(
      "ActiveState=inactive\n",
    );
  });

  test("uninstall lets everybody in and leaves configuration and data, unless --purge", async () => {
    system.shell("systemctl start sekisho");
    system.shell(`/usr/local/bin/sekisho ban ${CLIENT} --config /etc/sekisho/sekisho.yaml`);
    await vi.waitFor(() => expect(system.statusForClient("/")).toBe(403), soon);
    expect(system.shell(`${CHECKOUT}/bin/sekisho uninstall --yes`)).toContain("a2disconf sekisho");
    expect(system.statusForClient("/")).toBe(200);
    expect(
      system.run(
        "test -e /opt/sekisho -o -e /etc/systemd/system/sekisho.service -o -e /usr/local/bin/sekisho",
      ).exitStatus,
    ).toBe(1);
    system.shell("test -f /etc/sekisho/sekisho.yaml -a -f /var/lib/sekisho/sekisho.sqlite");
    system.shell(`${CHECKOUT}/bin/sekisho uninstall --purge --yes`);
    expect(system.run("test -e /etc/sekisho -o -e /var/lib/sekisho").exitStatus).toBe(1);
  });
});
