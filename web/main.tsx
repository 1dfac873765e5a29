import { effect } from "@preact/signals";
import { render } from "preact";
import { tick } from "./api.ts";
import { follow } from "./live.ts";
import { refresh } from "./refresh.ts";
import { codeInAddress, start } from "./session.ts";
import { incident, incidentId, session, status } from "./state.ts";
import { startTheme } from "./theme.ts";
import { Page } from "./views/page.tsx";

startTheme();
setInterval(tick, 1_000);

/** The address bar's fragment is the only route: `#incident/12`, or the overview. */
function readRoute(): void {
  const match = /^#incident\/(\d{1,15})$/.exec(location.hash);
  incidentId.value = match === null ? null : Number(match[1]);
  incident.value = null;
  if (session.value === "in") refresh.incident(true);
}
addEventListener("hashchange", () => {
  if (codeInAddress() !== null) void start();
  else readRoute();
});

effect(() => (session.value === "in" ? follow() : undefined));
effect(() => {
  const bans = status.value?.bans.active ?? 0;
  document.title = bans > 0 ? `(${bans}) Sekisho` : "Sekisho";
});

render(<Page />, document.getElementById("page")!);
await start();
readRoute();
