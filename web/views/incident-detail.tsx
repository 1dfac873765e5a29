import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { FindingItem, IncidentDetail } from "../../src/model/api.ts";
import { api } from "../api.ts";
import { formatCount } from "../format.ts";
import { refresh } from "../refresh.ts";
import { incident, rules } from "../state.ts";
import { ActionButton } from "./action-button.tsx";
import { BanForm } from "./ban-form.tsx";
import { BanTable } from "./bans.tsx";
import { Evidence } from "./evidence.tsx";
import { Fact } from "./fact.tsx";
import { RuleExplanation } from "./rule-explanation.tsx";
import { RuleTitle } from "./rule-title.tsx";
import { Section } from "./section.tsx";
import { SeverityMark } from "./severity.tsx";
import { Text } from "./text.tsx";
import { Ago, Moment } from "./time.tsx";

export function IncidentDetailView() {
  const shown = incident.value;
  return (
    <article class="incident">
      <p>
        <a href="#overview">All incidents</a>
      </p>
      {shown === null && <p class="empty">Reading the incident.</p>}
      {shown === "missing" && <p class="empty">There is no such incident.</p>}
      {shown !== null && shown !== "missing" && <Detail key={shown.id} shown={shown} />}
    </article>
  );
}

function Detail({ shown }: { readonly shown: IncidentDetail }) {
  const heading = useRef<HTMLHeadingElement>(null);
  const findings = bannedForFirst(shown);
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, []);
  return (
    <>
      <div class="incident-head">
        <h1 ref={heading} tabIndex={-1}>
          <small>Incident {shown.id}</small> <Text value={shown.subject} />
        </h1>
        <ToggleState shown={shown} />
        <What findings={findings} />
      </div>
      <dl class="facts">
        <Fact name="Severity">
          <SeverityMark severity={shown.severity} />
        </Fact>
        <Fact name="State">{shown.state}</Fact>
        <Fact name="Opened">
          <Moment at={shown.openedAt} />
        </Fact>
        <Fact name="Last seen">
          <Moment at={shown.lastSeen} />
        </Fact>
        <Fact name="Findings">{formatCount(shown.findingCount)}</Fact>
      </dl>
      <IncidentBans shown={shown} />
      <Section id="findings-heading" heading="Findings">
        {findings.map((finding, at) => (
          <Finding
            key={finding.id}
            finding={finding}
            first={findings.findIndex(({ rule }) => rule === finding.rule) === at}
          />
        ))}
      </Section>
    </>
  );
}

/** Who asks whether a ban is right looks for what led to it. */
function bannedForFirst({ bans, findings }: IncidentDetail): readonly FindingItem[] {
  const led = new Set(bans.map(({ rule }) => rule));
  return findings.toSorted((a, b) => Number(led.has(b.rule)) - Number(led.has(a.rule)));
}

/** So many are named at the head; all of them follow below. */
const NAMED = 4;

/** What was done, in the names of the rules: a person sees it before anything else. */
function What({ findings }: { readonly findings: readonly FindingItem[] }) {
  const ofEachRule = [...new Map(findings.map((finding) => [finding.rule, finding])).values()];
  const more = ofEachRule.length - NAMED;
  if (ofEachRule.length === 0) return null;
  return (
    <ul class="what" aria-label="What was found">
      {ofEachRule.slice(0, NAMED).map((finding) => (
        <li key={finding.rule}>
          <FindingTitle finding={finding} />
        </li>
      ))}
      {more > 0 && <li>and {formatCount(more)} more</li>}
    </ul>
  );
}

/** As the rule calls itself now; a finding of a rule that is gone has the name that it had. */
function FindingTitle({ finding: { rule, title } }: Pick<FindingProps, "finding">) {
  const now = rules.value?.get(rule)?.title;
  return now === undefined ? <Text value={title} /> : <RuleTitle title={now} />;
}

function IncidentBans({ shown }: { readonly shown: IncidentDetail }) {
  const open = useSignal(false);
  const banned = shown.bans.some(({ state }) => state === "active");
  /** A virtual host or a user is nothing that could be banned. */
  const hasAddress = shown.target.includes("/") && !shown.target.includes("=");
  return (
    <Section
      id="bans-heading"
      heading="Bans"
      focusable
      beside={
        !banned &&
        hasAddress && (
          <button
            type="button"
            aria-expanded={open.value}
            onClick={() => {
              open.value = !open.value;
            }}
          >
            Ban <Text value={shown.target} />
          </button>
        )
      }
    >
      {open.value && !banned && (
        <BanForm
          target={shown.target}
          onDone={() => {
            open.value = false;
          }}
        />
      )}
      {shown.bans.length === 0 ? (
        <p class="empty">This subject is not banned: its rules only report, or policy spares it.</p>
      ) : (
        <BanTable items={shown.bans} labelledBy="bans-heading" />
      )}
    </Section>
  );
}

interface FindingProps {
  readonly finding: FindingItem;
  /** Of its rule in this incident: the rule explains itself in full once. */
  readonly first: boolean;
}

function Finding({ finding, first }: FindingProps) {
  return (
    <section class="finding" aria-label={`Finding of rule ${finding.rule}`}>
      <h3>
        <FindingTitle finding={finding} />
      </h3>
      <p class="finding-facts">
        <SeverityMark severity={finding.severity} />
        <span>
          rule{" "}
          <a href={`#rule/${finding.rule}`}>
            <Text value={finding.rule} />
          </a>
        </span>
        <span>{finding.count === 1 ? "1 hit" : `${formatCount(finding.count)} hits`}</span>
        <span>
          first <Ago at={finding.firstSeen} />, last <Ago at={finding.lastSeen} />
        </span>
        {finding.spared !== null && (
          <span>
            spared by policy: <Text value={finding.spared} />
          </span>
        )}
      </p>
      <Evidence lines={finding.evidence} />
      <RuleExplanation id={finding.rule} open={first} />
    </section>
  );
}

function ToggleState({ shown: { id, state } }: { readonly shown: IncidentDetail }) {
  const wanted = state === "open" ? "closed" : "open";
  const act = async (): Promise<string> => {
    await api.setIncidentState(id, wanted);
    for (const read of [refresh.incident, refresh.incidents, refresh.status]) read(true);
    return wanted === "closed" ? `Closed incident ${id}` : `Reopened incident ${id}`;
  };
  return (
    <div>
      <ActionButton text={wanted === "closed" ? "Close incident" : "Reopen incident"} act={act} />
    </div>
  );
}
