import { schedule as cron, type ScheduledTask } from "node-cron";
import type { JobStatus } from "../model/api.ts";
import { messageOf } from "../model/errors.ts";
import { toIso, type UnixMs, unixMs } from "../model/time.ts";

/** Work that is done by the clock. Each is a file of this folder, and on the dashboard. */
export interface Job {
  readonly name: string;
  /** node-cron's five fields, in the host's time zone. */
  readonly schedule: string;
  run(): Promise<void>;
}

interface Planned {
  readonly job: Job;
  readonly task: ScheduledTask;
  lastRunAt: string | null;
  error: string | null;
}

/** Runs jobs on their schedules; one that still runs is not started again, one that fails shows its error. */
export class Scheduler implements Disposable {
  readonly #planned: Planned[];

  constructor(jobs: readonly Job[]) {
    this.#planned = jobs.map((job) => {
      const task = cron(job.schedule, () => this.#run(planned), {
        name: job.name,
        noOverlap: true,
        suppressMissedWarning: true,
      });
      const planned: Planned = { job, task, lastRunAt: null, error: null };
      return planned;
    });
  }

  async #run(planned: Planned): Promise<void> {
    planned.lastRunAt = toIso(unixMs(Date.now()));
    try {
      await planned.job.run();
      planned.error = null;
    } catch (error) {
      planned.error = messageOf(error);
    }
  }

  statuses(): JobStatus[] {
    return this.#planned.map(({ job, task, lastRunAt, error }) => ({
      name: job.name,
      schedule: job.schedule,
      nextRunAt: task.getNextRun()?.toISOString() ?? null,
      lastRunAt,
      error,
    }));
  }

  /** When a job runs next, and when after that; empty when there is no such job. */
  nextRuns(name: string): UnixMs[] {
    const planned = this.#planned.find(({ job }) => job.name === name);
    return (planned?.task.getNextRuns(2) ?? []).map((run) => unixMs(run.getTime()));
  }

  [Symbol.dispose](): void {
    for (const { task } of this.#planned) void task.destroy();
  }
}
