import { effect } from "@preact/signals";
import { render } from "preact";
import { tick } from "./api.ts";
import { follow } from "./live.ts";
import { refresh } from "./refresh.ts";
import { nameOf, routeOf } from "./route.ts";
import { codeInAddress, start } from "./session.ts";
import { cameFrom, incident, route, ruleFindings, session, status } from "./state.ts";
import { startTheme } from "./theme.ts";
import { Page } from "./views/page.tsx";

startTheme();
setInterval(tick, 1_000);

/** The address bar's fragment is the only route: `#incident/12`, `#rules`, or the overview. */
function readRoute(): void {
  cameFrom.value = route.value;
  route.value = routeOf(location.hash);
  incident.value = null;
  ruleFindings.value = null;
  if (session.value !== "in") return;
  refresh.incident(true);
  refresh.rules(true);
  refresh.ruleFindings(true);
}
addEventListener("hashchange", () => {
  if (codeInAddress() !== null) void start();
  else readRoute();
});

effect(() => (session.value === "in" ? follow() : undefined));
effect(() => {
  const bans = status.value?.bans.active ?? 0;
  document.title = [...(bans > 0 ? [`(${bans})`] : []), ...nameOf(route.value), "Sekisho"].join(" ");
});

render(<Page />, document.getElementById("page")!);
await start();
readRoute();
