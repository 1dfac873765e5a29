import { useSignalEffect } from "@preact/signals";
import { route, seekingComplaint, session } from "../state.ts";
import { Allowlist } from "./allowlist.tsx";
import { Bans } from "./bans.tsx";
import { Daemon } from "./daemon.tsx";
import { Enforcers } from "./enforcers.tsx";
import { Halts } from "./halts.tsx";
import { Header } from "./header.tsx";
import { IncidentDetailView } from "./incident-detail.tsx";
import { Incidents } from "./incidents.tsx";
import { Jobs } from "./jobs.tsx";
import { KeyFigures } from "./key-figures.tsx";
import { Lists } from "./lists.tsx";
import { Outcome } from "./outcome.tsx";
import { Problems } from "./problems.tsx";
import { RuleDetail } from "./rule-detail.tsx";
import { Rules } from "./rules.tsx";
import { SignIn } from "./sign-in.tsx";
import { Sockets } from "./sockets.tsx";
import { Sources } from "./sources.tsx";
import { Traffic } from "./traffic.tsx";

export function Page() {
  return (
    <>
      {session.value === "out" && <SignIn />}
      {session.value === "in" && <Dashboard />}
      <Outcome />
    </>
  );
}

function Dashboard() {
  return (
    <>
      <Header />
      <Problems />
      <Halts />
      <main id="main">
        <View />
      </main>
    </>
  );
}

function View() {
  switch (route.value.kind) {
    case "overview":
      return <Overview />;
    case "incident":
      return <IncidentDetailView />;
    case "rules":
      return <Rules />;
    case "rule":
      return <RuleDetail />;
    case "lists":
      return <Lists />;
  }
}

/** What complains, in the order in which it stands: of the whole daemon, or of an entry. */
const COMPLAINTS = ".problems p, .entries > li:has(.mark.bad)";

function Overview() {
  useSignalEffect(() => {
    if (!seekingComplaint.value) return;
    seekingComplaint.value = false;
    const complaint = document.querySelector<HTMLElement>(COMPLAINTS);
    complaint?.setAttribute("tabindex", "-1");
    complaint?.focus({ preventScroll: true });
    complaint?.scrollIntoView({ block: "center" });
  });
  return (
    <>
      <h1 class="unseen">Overview</h1>
      <KeyFigures />
      <div class="columns">
        <div class="column">
          <Traffic />
          <Bans />
          <Sockets />
          <Incidents />
          <Allowlist />
        </div>
        <div class="column aside">
          <Enforcers />
          <Sources />
          <Jobs />
          <Daemon />
        </div>
      </div>
    </>
  );
}
