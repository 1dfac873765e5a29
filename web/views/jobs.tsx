import type { JobStatus } from "../../src/model/api.ts";
import { status } from "../state.ts";
import { Mark } from "./mark.tsx";
import { EntryError } from "./sources.tsx";
import { Ago, Ahead } from "./time.tsx";

export function Jobs() {
  const jobs = status.value?.jobs ?? [];
  return (
    <section aria-labelledby="jobs-heading">
      <div class="section-head">
        <h2 id="jobs-heading">Jobs</h2>
      </div>
      {jobs.length === 0 && <p class="empty">Nothing is scheduled.</p>}
      <ul class="entries">
        {jobs.map((job) => (
          <Job key={job.name} job={job} />
        ))}
      </ul>
    </section>
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
        <div>
          <dt>Last run</dt>
          <dd>{lastRunAt === null ? "not yet" : <Ago at={lastRunAt} />}</dd>
        </div>
        <div>
          <dt>Next run</dt>
          <dd>{nextRunAt === null ? "none" : <Ahead at={nextRunAt} />}</dd>
        </div>
      </dl>
      <EntryError error={error} hint={null} />
    </li>
  );
}
