import { expect, test } from "vitest";
import { withUfwRequests } from "../../src/install/ufw-requests.ts";

const REQUESTS = "/run/sekisho/ufw";

test.for([
  ["enforcers:\n  ufw: {} # short\n", `enforcers:\n  ufw: { requests: ${REQUESTS} } # short\n`],
  ["enforcers: { ufw: {limit: 3} }\n", `enforcers: { ufw: { requests: ${REQUESTS}, limit: 3} }\n`],
  [
    "# mine\nenforcers:\n    ufw:\n        # few\n        limit: 3\n\nmode: observe\n",
    `# mine\nenforcers:\n    ufw:\n        # few\n        requests: ${REQUESTS}\n        limit: 3\n\nmode: observe\n`,
  ],
])("puts the folder of requests into the section, and leaves all else: %j", ([before, after]) => {
  expect(withUfwRequests(before!, REQUESTS)).toBe(after);
});

test.for([
  "",
  "enforcers:\n",
  "enforcers:\n  ufw:\n",
  "enforcers:\n  nftables: {}\n  # ufw: {}\n",
  "enforcers: [",
  "enforcers:\n  ufw: { requests: /elsewhere }\n",
])("changes nothing where ufw is not named, or asks already: %j", (text) => {
  expect(withUfwRequests(text, REQUESTS)).toBeNull();
});
