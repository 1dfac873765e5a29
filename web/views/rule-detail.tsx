import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { RuleMode, RuleStatus } from "../../src/model/rule-status.ts";
import { formatCount } from "../format.ts";
import { nearMissesOf } from "../rule-choice.ts";
import { route, rules } from "../state.ts";
import { titleLanguage } from "../title-language.ts";
import { Copyable } from "./copyable.tsx";
import { Fact } from "./fact.tsx";
import { NearMisses } from "./near-misses.tsx";
import { PageHeading } from "./page-heading.tsx";
import { RuleFacts } from "./rule-explanation.tsx";
import { RuleFindings } from "./rule-findings.tsx";
import { RuleModeMark } from "./rule-mode.tsx";
import { RuleTitle } from "./rule-title.tsx";
import { waitingForRules } from "./rules.tsx";
import { Section } from "./section.tsx";
import { SeverityMark } from "./severity.tsx";
import { Text } from "./text.tsx";

export function RuleDetail() {
  const id = route.value.kind === "rule" ? route.value.id : "";
  const rule = rules.value?.get(id);
  return (
    <article class="page">
      <p>
        <a href="#rules">All rules</a>
      </p>
      {rules.value === null && <p class="empty">{waitingForRules()}</p>}
      {rules.value !== null && rule === undefined && (
        <>
          <PageHeading>
            Rule <Text value={id} />
          </PageHeading>
          <p class="empty">There is no such rule. What names it is older than a change of the rules.</p>
        </>
      )}
      {rule !== undefined && <Detail key={rule.id} rule={rule} />}
    </article>
  );
}

const MODES: Readonly<Record<RuleMode, string>> = {
  enforce: "its findings ban",
  observe: "its findings are recorded and ban nobody",
  off: "it does not run",
};

function Detail({ rule }: { readonly rule: RuleStatus }) {
  const whole = useSignal(false);
  const { id, title, severity, mode, lastDay, events, subject, firesAt, cooldown, needed } = rule;
  return (
    <>
      <PageHeading>
        <small>
          Rule <code>{<Text value={id} />}</code>,{" "}
          <RuleTitle title={title} language={titleLanguage.value === "en" ? "ja" : "en"} />
        </small>{" "}
        <RuleTitle title={title} />
      </PageHeading>
      <dl class="facts">
        <Fact name="Severity">
          <SeverityMark severity={severity} />
        </Fact>
        <Fact name="Mode">
          <RuleModeMark mode={mode} /> <span class="note">{MODES[mode]}</span>
        </Fact>
        <Fact name="Findings in a day">{formatCount(lastDay.findings)}</Fact>
        <Fact name="Bans in a day">{formatCount(lastDay.bans)}</Fact>
      </dl>
      <Section id="counts-heading" heading="How it counts">
        <dl class="facts">
          <Fact name="Looks at">{events} events</Fact>
          <Fact name="Counts for each">
            <Text value={subject} />
          </Fact>
          <Fact name="Fires at">
            <Text value={firesAt} />
          </Fact>
          <Fact name="Then quiet for">{cooldown}</Fact>
          <Fact name="Bans">{banText(rule)}</Fact>
        </dl>
      </Section>
      <Section id="explained-heading" heading="What it is for">
        <RuleFacts rule={rule} />
      </Section>
      <RuleFindings total={lastDay.findings} />
      <NearMisses
        misses={nearMissesOf([rule])}
        whole={whole}
        named={false}
        none={
          needed === null
            ? "Of this rule no near misses are kept: the number of its hits does not tell how near one is."
            : `Nobody had ${formatCount(Math.max(2, Math.ceil(needed / 2)))} of the ${formatCount(needed)} hits, without a finding.`
        }
      />
      <Change rule={rule} />
    </>
  );
}

const banText = ({ ban }: RuleStatus): string =>
  ban === "default" ? "as long as policy says" : ban === "none" ? "nobody" : ban;

/** Where the rule is written, and what a site writes to have it otherwise. */
function Change({ rule }: { readonly rule: RuleStatus }) {
  const { file, changes, changedBy, example } = rule.change;
  return (
    <Section id="change-heading" heading="Change it" class="change">
      {changes.length > 0 && changedBy !== null && (
        <>
          <p>
            Changed here, in <Path value={changedBy} />:
          </p>
          <ul class="changes">
            {changes.map((change) => (
              <li key={change}>
                <Text value={change} />
              </li>
            ))}
          </ul>
        </>
      )}
      {changedBy === null ? (
        <p>
          It is a rule of your own: edit <Path value={file} />, then:
        </p>
      ) : (
        <>
          <p>
            The rule stands in <Path value={file} />, which stays as it is. Write what you need of these lines
            to <Path value={changedBy} />:
          </p>
          <Lines texts={example} />
          <p>Then have it checked, and read (without systemd: kill -HUP of the daemon):</p>
        </>
      )}
      <Lines texts={["sekisho check", "systemctl reload sekisho"]} />
      <p>What it would find in an old log:</p>
      <Lines texts={[`sekisho replay LOG --rule ${rule.id} --near-misses`]} />
    </Section>
  );
}

const Path = ({ value }: { readonly value: string }): ComponentChildren => (
  <code>
    <Text value={value} />
  </code>
);

const Lines = ({ texts }: { readonly texts: readonly string[] }) => (
  <ul class="lines">
    {texts.map((text) => (
      <li key={text}>
        <Copyable text={text} />
      </li>
    ))}
  </ul>
);
