import type { Status } from "../../src/model/api.ts";
import { formatCount, formatLength } from "../format.ts";
import { status } from "../state.ts";
import { Fact } from "./fact.tsx";
import { Mark } from "./mark.tsx";
import { Section } from "./section.tsx";
import { Ago } from "./time.tsx";

/** What Sekisho says of itself. */
export function Daemon() {
  const shown = status.value;
  if (shown === null) return null;
  const { version, uptimeSeconds, rules, counting } = shown;
  return (
    <Section id="daemon-heading" heading="Sekisho">
      <ul class="entries">
        <HaltEntry status={shown} name="breaker" title="Circuit breaker" none="closed, rules may ban" />
        <HaltEntry status={shown} name="panic" title="Panic" none="none, nothing was stopped by hand" />
        <li>
          <h3>Counting</h3>
          {counting.givenUpAt !== null && (
            <p class="entry-state">
              <Mark tone="waiting">memory was full</Mark>
              <span>
                the calmest gave way, last <Ago at={counting.givenUpAt} />
              </span>
            </p>
          )}
          <dl class="numbers">
            <Fact name="Subjects" title="Addresses and others that something is counted of">
              {formatCount(counting.subjects)}
            </Fact>
            <Fact name="Gave way" title="For want of memory, since the rules were read">
              {formatCount(counting.givenUp)}
            </Fact>
            <Fact name="Rules">
              <a href="#rules">{formatCount(rules)} run</a>
            </Fact>
            <Fact name="Running for">{formatLength(uptimeSeconds * 1_000)}</Fact>
          </dl>
        </li>
      </ul>
      <p class="note version">Sekisho {version}</p>
    </Section>
  );
}

interface HaltEntryProps {
  readonly status: Status;
  readonly name: Status["halts"][number]["name"];
  readonly title: string;
  /** What to say where there is none. */
  readonly none: string;
}

function HaltEntry({ status: { halts }, name, title, none }: HaltEntryProps) {
  const halt = halts.find((each) => each.name === name);
  return (
    <li>
      <h3>{title}</h3>
      <p class="entry-state">
        {halt === undefined ? (
          <Mark tone="good">{none}</Mark>
        ) : (
          <>
            <Mark tone="bad">rules ban nobody</Mark>
            <span>
              since <Ago at={halt.since} />
            </span>
          </>
        )}
      </p>
    </li>
  );
}
