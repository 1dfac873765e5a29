import { join } from "node:path";
import { expect, test } from "vitest";
import { findApache } from "../../src/apache-config/layout.ts";
import { readApacheConfig } from "../../src/apache-config/reader.ts";
import { withoutRoom } from "../../src/apache-config/slots.ts";
import { checkApache } from "../../src/cli/check-apache.ts";
import { folderWith } from "../config/temporary-folder.ts";

const EVENT = "LoadModule mpm_event_module m.so\n";
const found = (config: string, lingering: number) => {
  const root = folderWith({ "etc/apache2/apache2.conf": config });
  return withoutRoom(readApacheConfig(findApache(root, null)!), lingering);
};

test.each([
  ["Debian's sizes and the default", EVENT, 10, null],
  ["as many as there are by default", EVENT, 16, 16],
  ["fewer processes than old ones", `${EVENT}<IfModule mpm_event_module>\nServerLimit 8\n</IfModule>`, 10, 8],
  ["the last of two counts", `${EVENT}ServerLimit 8\nServerLimit 40`, 10, null],
  [
    "the size of another kind of Apache",
    `${EVENT}<IfModule mpm_worker_module>\nServerLimit 4\n</IfModule>`,
    10,
    null,
  ],
  ["prefork, where nothing is counted", "LoadModule mpm_prefork_module m.so\nServerLimit 8", 10, null],
  ["what is no number", `${EVENT}ServerLimit many`, 10, null],
])("old processes and Apache's slots: %s", (_, config, lingering, limit) => {
  const problem = found(config, lingering);
  expect(problem?.message ?? null).toEqual(
    limit === null ? null : expect.stringContaining(`${limit} processes at most (ServerLimit)`),
  );
});

test("`sekisho check` names file and line, where the list is in use", () => {
  const root = folderWith({ "etc/apache2/apache2.conf": `${EVENT}ServerLimit 8\n` });
  const main = join(root, "etc/apache2/apache2.conf");
  const messages = (enforcers: Parameters<typeof checkApache>[0]["enforcers"]) =>
    checkApache({ enforcers, logs: [] }, main).map(({ message }) => message);
  const include = {
    ...{ file: "/var/lib/sekisho/list.conf", control: "apache2ctl", schedule: "17 * * * *" },
    ...{ limit: 1_000, generations: 20, lingering: 10 },
  };
  expect(messages({ "apache-include": include })).toContainEqual(
    expect.stringContaining(`${main}:2: Apache has 8 processes at most`),
  );
  expect(messages({})).toEqual([]);
});
