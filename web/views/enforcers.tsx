import type { CutStatus, EnforcerState, EnforcerStatus } from "../../src/model/api.ts";
import { api } from "../api.ts";
import { DRY_RUN } from "../effect.ts";
import { formatCount } from "../format.ts";
import { refresh } from "../refresh.ts";
import { status } from "../state.ts";
import { ActionButton } from "./action-button.tsx";
import { EntryError } from "./entry-error.tsx";
import { Fact } from "./fact.tsx";
import { Panic } from "./halts.tsx";
import { Mark, type Tone } from "./mark.tsx";
import { Section } from "./section.tsx";
import { Text } from "./text.tsx";
import { Ago, Ahead } from "./time.tsx";

const STATES: Readonly<Record<EnforcerState, readonly [Tone, string]>> = {
  "in-sync": ["good", "holds what it should"],
  pending: ["waiting", "written, waiting for its scheduled reload"],
  drifted: ["bad", "holds something else than it should"],
  failed: ["bad", "its blocks may not hold"],
  off: ["off", "nothing is asked of it"],
};

export function Enforcers() {
  const enforcers = status.value?.enforcers ?? [];
  return (
    <Section id="enforcers-heading" heading="Enforcers" beside={<Panic />}>
      {enforcers.length === 0 && (
        <p class="empty">
          No enforcer applies bans. Name one under <code>enforcers:</code> in sekisho.yaml, for example{" "}
          <code>apache-directory</code>.
        </p>
      )}
      <ul class="entries">
        {enforcers.map((enforcer) => (
          <Enforcer key={enforcer.name} enforcer={enforcer} />
        ))}
        {status.value !== null && status.value.cut.state !== "off" && <Cutting cut={status.value.cut} />}
      </ul>
    </Section>
  );
}

function Enforcer({ enforcer }: { readonly enforcer: EnforcerStatus }) {
  const { name, state, blocks, unenforced, lastReconciledAt, nextApplyAt, error, hint, note, provenAt } =
    enforcer;
  const [tone, usual] = STATES[state];
  const meaning = state === "pending" && nextApplyAt === null ? "is being told what it should hold" : usual;
  return (
    <li>
      <h3>{name}</h3>
      <p class="entry-state">
        <Mark tone={tone}>{state}</Mark>
        <span>
          {name === DRY_RUN && state === "in-sync" ? "shows what would be blocked, blocks nobody" : meaning}
        </span>
      </p>
      {note !== null && <p>{note}</p>}
      {provenAt && (
        <p>
          Apache refused a request of ours <Ago at={provenAt} />
        </p>
      )}
      <dl class="numbers">
        <Fact name="Blocks">{formatCount(blocks)}</Fact>
        <Fact name="Unenforced">{formatCount(unenforced.length)}</Fact>
        <Fact name="Reconciled">{lastReconciledAt === null ? "not yet" : <Ago at={lastReconciledAt} />}</Fact>
        <Fact name="Next apply">{nextApplyAt === null ? "at once" : <Ahead at={nextApplyAt} />}</Fact>
      </dl>
      {state === "pending" && nextApplyAt !== null && (
        <ActionButton
          text="Apply now"
          busyText="Applying"
          label={`Apply ${name} now`}
          act={() => applyNow(name)}
        />
      )}
      <Unenforced targets={unenforced} />
      <EntryError error={error} hint={hint} />
    </li>
  );
}

function Cutting({ cut }: { readonly cut: CutStatus }) {
  const { state, closed, error, hint, note } = cut;
  return (
    <li>
      <h3>open connections</h3>
      <p class="entry-state">
        {state === "on" ? <Mark tone="good">closed</Mark> : <Mark tone="waiting">stay open</Mark>}
        <span>what a client has open when its ban comes into force</span>
      </p>
      {note !== null && <p>{note}</p>}
      <dl class="numbers">
        <Fact name="Closed">{formatCount(closed)}</Fact>
      </dl>
      <EntryError error={error} hint={hint} />
    </li>
  );
}

function Unenforced({ targets }: { readonly targets: readonly string[] }) {
  if (targets.length === 0) return null;
  const shown = targets.slice(0, 50);
  return (
    <details>
      <summary>Targets that it cannot carry or has no room for</summary>
      <p class="targets">
        <Text value={shown.join(" ")} />
        {targets.length > shown.length && ` and ${formatCount(targets.length - shown.length)} more`}
      </p>
    </details>
  );
}

async function applyNow(name: string): Promise<string> {
  await api.applyNow(name);
  refresh.status(true);
  refresh.bans(true);
  return `Applied ${name}`;
}
