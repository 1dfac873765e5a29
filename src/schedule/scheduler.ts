import { schedule as cron, type ScheduledTask } from "node-cron";
import type { JobStatus } from "../model/api.ts";
import { messageOf } from "../model/errors.ts";
import { toIso, type UnixMs, unixMs } from "../model/time.ts";

/** Work that is done by the clock. Each is a file of this folder, and on the dashboard. */
export interface Job {
  readonly name: string;
  /** node-cron's five fields, in the host's time zone. */
  readonly schedule: string;
  /** Runs as soon as the clock was set, or the machine woke, as well. */
  readonly isAlsoForJumps?: boolean;
  run(): Promise<void>;
}

interface Planned {
  readonly job: Job;
  task: ScheduledTask;
  nextRunAt: Date | null;
  isRunning: boolean;
  lastRunAt: string | null;
  error: string | null;
}

const LOOK_EVERY_MS = 1_000;
/** The clock is set in no smaller steps, and drifts less in a second. */
const JUMP_MS = 2_000;

/** How far the clock is ahead of the time that timers run by, which stands still while the machine sleeps. */
const aheadOfTimers = (): number => Date.now() - performance.now();

/**
 * Runs jobs on their schedules; one that still runs is not started again, one that fails shows its error. Where the clock jumps,
 * as it is set or the machine has slept, all are planned anew, since node-cron waits for the time that it once computed: set
 * back a day, for a day. What should have run meanwhile runs once.
 */
export class Scheduler implements Disposable {
  readonly #planned: Planned[];
  readonly #timer: NodeJS.Timeout;
  #ahead = aheadOfTimers();

  constructor(jobs: readonly Job[]) {
    this.#planned = jobs.map((job) => {
      const task = this.#plan(job);
      return { job, task, nextRunAt: task.getNextRun(), isRunning: false, lastRunAt: null, error: null };
    });
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  #plan(job: Job): ScheduledTask {
    return cron(job.schedule, () => this.#run(this.#planned.find((each) => each.job === job)!), {
      name: job.name,
      // Late is better than never: a busy process is late by seconds.
      missedExecutionTolerance: Infinity,
      suppressMissedWarning: true,
    });
  }

  #look(): void {
    const before = this.#ahead;
    this.#ahead = aheadOfTimers();
    if (Math.abs(this.#ahead - before) < JUMP_MS) return;
    for (const planned of this.#planned) {
      void planned.task.destroy();
      planned.task = this.#plan(planned.job);
      const isOverdue = planned.nextRunAt !== null && planned.nextRunAt.getTime() <= Date.now();
      planned.nextRunAt = planned.task.getNextRun();
      if (isOverdue || planned.job.isAlsoForJumps === true) void this.#run(planned);
    }
  }

  async #run(planned: Planned): Promise<void> {
    planned.nextRunAt = planned.task.getNextRun();
    if (planned.isRunning) return;
    planned.isRunning = true;
    planned.lastRunAt = toIso(unixMs(Date.now()));
    try {
      await planned.job.run();
      planned.error = null;
    } catch (error) {
      planned.error = messageOf(error);
    }
    planned.isRunning = false;
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
    clearInterval(this.#timer);
    for (const { task } of this.#planned) void task.destroy();
  }
}
