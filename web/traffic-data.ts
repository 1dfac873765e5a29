import type { TrafficPoint } from "../src/model/api.ts";

export type SeriesKey = Exclude<keyof TrafficPoint, "time">;

/** In the order of the legend. `dash` tells the lines apart without colour. */
export const SERIES: readonly {
  readonly key: SeriesKey;
  readonly label: string;
  readonly meaning: string;
  readonly dash: readonly number[];
}[] = [
  { key: "s2xx", label: "2xx", meaning: "answered", dash: [] },
  { key: "s1xx", label: "1xx", meaning: "WebSocket opened", dash: [8, 3] },
  { key: "s3xx", label: "3xx", meaning: "sent elsewhere", dash: [2, 3] },
  { key: "s4xx", label: "4xx", meaning: "client's error", dash: [6, 2, 2, 2] },
  { key: "s5xx", label: "5xx", meaning: "server's error", dash: [12, 3, 2, 3] },
  { key: "refused", label: "refused", meaning: "by an active ban", dash: [] },
];

const MINUTES_A_STEP: Readonly<Record<number, number>> = { 60: 1, 360: 5, 1440: 15 };

/** How many minutes one point of the chart gathers. */
export const stepMinutes = (minutes: number): number => MINUTES_A_STEP[minutes] ?? 1;

export interface Columns {
  /** Seconds since 1970, as uPlot wants them. */
  readonly times: readonly number[];
  /**
   * Requests a minute, averaged over the step, one list a series in the order of `SERIES`. The last is null
   * where the minute that is running says nothing yet.
   */
  readonly rates: readonly (readonly (number | null)[])[];
}

/** Gathers points of a minute into steps that a chart of that span can show. The last point is still running. */
export function columnsOf(points: readonly TrafficPoint[], minutes: number): Columns {
  const step = stepMinutes(minutes) * 60;
  const groups = Map.groupBy(points, ({ time }) => Math.floor(Date.parse(time) / 1_000 / step) * step);
  const steps = [...groups.values()];
  const last = steps.pop();
  return {
    times: [...groups.keys()],
    rates: SERIES.map(({ key }) => {
      const rates = steps.map((group) => average(group, key));
      return last === undefined ? rates : [...rates, latest(last, key, rates.at(-1))];
    }),
  };
}

/**
 * Counted as if it were over, the running minute looks like traffic that breaks off, so a line ends before it.
 * Where it has reached what was there before already it counts: a flood is seen at once.
 */
function latest(group: readonly TrafficPoint[], key: SeriesKey, before: number | undefined): number | null {
  const whole = group.slice(0, -1);
  const known = whole.length > 0 ? average(whole, key) : before;
  const counted = average(group, key);
  if (known === undefined || counted >= known) return counted;
  return whole.length > 0 ? known : null;
}

const average = (points: readonly TrafficPoint[], key: SeriesKey): number =>
  total(points, key) / points.length;

export const total = (points: readonly TrafficPoint[], key: SeriesKey): number =>
  points.reduce((sum, point) => sum + point[key], 0);
