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

export interface Columns {
  /** Seconds since 1970, as uPlot wants them. */
  readonly times: readonly number[];
  /** Requests a minute, averaged over the step, one list a series in the order of `SERIES`. */
  readonly rates: readonly (readonly number[])[];
}

/** Gathers points of a minute into steps that a chart of that span can show. */
export function columnsOf(points: readonly TrafficPoint[], minutes: number): Columns {
  const step = (MINUTES_A_STEP[minutes] ?? 1) * 60;
  const groups = Map.groupBy(points, ({ time }) => Math.floor(Date.parse(time) / 1_000 / step) * step);
  const steps = [...groups.values()];
  return {
    times: [...groups.keys()],
    rates: SERIES.map(({ key }) => steps.map((group) => total(group, key) / group.length)),
  };
}

export const total = (points: readonly TrafficPoint[], key: SeriesKey): number =>
  points.reduce((sum, point) => sum + point[key], 0);
