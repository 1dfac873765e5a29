import type { JobStatus } from "../../src/model/api.ts";
import { status } from "../state.ts";
import { EntryError } from "./entry-error.tsx";
import { Fact } from "./fact.tsx";
import { Mark } from "./mark.tsx";
import { Section } from "./section.tsx";
import { Ago, Ahead } from "./time.tsx";

export function Jobs() {
  const jobs = status.value?.jobs ?? [];
  return (
    <Section id="jobs-heading" heading="Jobs">
      {jobs.length === 0 && <p class="empty">Nothing is scheduled.</p>}
      <ul class="entries">
        {jobs.map((job) => (
          <Job key={job.name} job={job} />
        ))}
      </ul>
    </Section>
  );
}

function Job({ job: { name, schedule, nextRunAt, lastRunAt, error } }: { readonly job: JobStatus }) {
  return (
    <li>
      <h3>{name}</h3>
      <p class="entry-state">
        <Mark tone={error === null ? "good" : "bad"}>{error === null ? "scheduled" : "failed"}</Mark>
        <code>{schedule}</code>
      </p>
      <dl class="numbers">
        <Fact name="Last run">{lastRunAt === null ? "not yet" : <Ago at={lastRunAt} />}</Fact>
        <Fact name="Next run">{nextRunAt === null ? "none" : <Ahead at={nextRunAt} />}</Fact>
      </dl>
      <EntryError error={error} hint={null} />
    </li>
  );
}
