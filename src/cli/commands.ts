import type { Command } from "commander";
import type { CliContext } from "./context.ts";

type Load = (context: CliContext) => Promise<Command>;

/**
 * As the help shows them. Each file says what its command offers, and loads what does the work when it is called: loading all
 * takes longer than most of them run.
 */
const GROUPS: Readonly<Record<string, Readonly<Record<string, Load>>>> = {
  "Begin:": {
    run: async (context) => (await import("./run.ts")).runCommand(context),
    check: async (context) => (await import("./check.ts")).checkCommand(context),
    init: async (context) => (await import("./init.ts")).initCommand(context),
    install: async (context) =>
      (await import("./install.ts")).installCommand(context, () => allCommands(context)),
    uninstall: async (context) => (await import("./install.ts")).uninstallCommand(context),
  },
  "See:": {
    status: async (context) => (await import("./status.ts")).statusCommand(context),
    link: async (context) => (await import("./link.ts")).linkCommand(context),
    bans: async (context) => (await import("./bans.ts")).bansCommand(context),
    incidents: async (context) => (await import("./incidents.ts")).incidentsCommand(context),
    sockets: async (context) => (await import("./sockets.ts")).socketsCommand(context),
    lists: async (context) => (await import("./lists.ts")).listsCommand(context),
    rules: async (context) => (await import("./rules.ts")).rulesCommand(context),
    explain: async (context) => (await import("./explain.ts")).explainCommand(context),
    replay: async (context) => (await import("./replay.ts")).replayCommand(context),
  },
  "Decide:": {
    ban: async (context) => (await import("./ban.ts")).banCommand(context),
    unban: async (context) => (await import("./unban.ts")).unbanCommand(context),
    allow: async (context) => (await import("./allow.ts")).allowCommand(context),
    breaker: async (context) => (await import("./breaker.ts")).breakerCommand(context),
    panic: async (context) => (await import("./panic.ts")).panicCommand(context),
  },
  "More:": {
    apache: async (context) => (await import("./apache.ts")).apacheCommand(context),
    export: async (context) => (await import("./export.ts")).exportCommand(context),
    notify: async (context) => (await import("./notify.ts")).notifyCommand(context),
    backup: async (context) => (await import("./backup.ts")).backupCommand(context),
    expire: async (context) => (await import("./expire.ts")).expireCommand(context),
    completion: async (context) =>
      (await import("./completion.ts")).completionCommand(context, () => allCommands(context)),
  },
};

/** Not in the help: units of systemd call them. */
const OF_UNITS: Readonly<Record<string, Load>> = {
  "as-root": async (context) => (await import("./as-root.ts")).asRootCommand(context),
};

/** What a command line needs: its command, or all for the help and for the guess at what a mistyped one was. */
export async function commandsFor(
  [name = ""]: readonly string[],
  context: CliContext,
): Promise<readonly Command[]> {
  if (name === "--version" || name === "-V") return [];
  const called = [...Object.values(GROUPS), OF_UNITS].find((commands) => Object.hasOwn(commands, name));
  return called === undefined ? allCommands(context) : [await called[name]!(context)];
}

/** All that are in the help. */
export async function allCommands(context: CliContext): Promise<readonly Command[]> {
  const grouped = Object.entries(GROUPS).flatMap(([group, commands]) =>
    Object.values(commands).map(async (load) => (await load(context)).helpGroup(group)),
  );
  return await Promise.all(grouped);
}
