const CHECK = "write: sekisho check";
const LINK = "write: sekisho link";
const JOURNAL = "of the service: journalctl -u sekisho; `sekisho status` says what is wrong";
const VERSION = "write: sekisho --version";
const UPDATE = "in the checkout: git pull && npm ci && sudo ./bin/sekisho install --yes";

/** What people type who know other programs, and what leads to it here. */
export const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ["block", "write: sekisho ban"],
  ["unblock", "write: sekisho unban"],
  ["whitelist", "write: sekisho allow"],
  ["allowlist", "write: sekisho allow"],
  ["start", "of the service: systemctl start sekisho; in a terminal: sekisho run"],
  ["stop", "of the service: systemctl stop sekisho; in a terminal: Ctrl-C"],
  ["restart", "of the service: systemctl restart sekisho"],
  ["reload", "of the service: systemctl reload sekisho; else kill -HUP and the daemon's pid"],
  ["log", JOURNAL],
  ["logs", JOURNAL],
  ["config", CHECK],
  ["configtest", CHECK],
  ["doctor", CHECK],
  ["validate", CHECK],
  ["test", "write: sekisho check; to try rules on an old log: sekisho replay"],
  ["dashboard", LINK],
  ["login", LINK],
  ["token", LINK],
  ["setup", "write: sekisho init, then sekisho install"],
  ["update", UPDATE],
  ["upgrade", UPDATE],
  ["version", VERSION],
  ["-v", VERSION],
]);
