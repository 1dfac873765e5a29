import { expect, test } from "vitest";
import { tunnelTo } from "../../src/cli/dashboard-link.ts";

const SSH = { SSH_CONNECTION: "203.0.113.7 50022 192.0.2.1 22" };

test("who came over ssh is told how a page of loopback comes to them", () => {
  expect(tunnelTo("http://127.0.0.1:7080", SSH)).toBe("ssh -L 7080:127.0.0.1:7080 192.0.2.1");
  expect(tunnelTo("http://[::1]:7081", SSH)).toBe("ssh -L 7081:[::1]:7081 192.0.2.1");
  expect(tunnelTo("http://127.0.0.1:80", SSH)).toBe("ssh -L 80:127.0.0.1:80 192.0.2.1");
  expect(tunnelTo("http://localhost:7080", SSH)).toBe("ssh -L 7080:localhost:7080 192.0.2.1");
});

test("who sits here, or reaches the page without, is told nothing", () => {
  expect(tunnelTo("http://127.0.0.1:7080", {})).toBeNull();
  expect(tunnelTo("http://127.0.0.1:7080", { SSH_CONNECTION: "$(reboot) 1 `reboot` 22" })).toBeNull();
  expect(tunnelTo("http://192.0.2.1:7080", SSH)).toBeNull();
  expect(tunnelTo("http://127.example.com:7080", SSH)).toBeNull();
});
