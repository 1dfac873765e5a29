import uPlot from "uplot";
import { formatClock } from "./format.ts";
import { type Columns, SERIES } from "./traffic-data.ts";

const HEIGHT = 220;

interface ChartHooks {
  /** The colour of a series or of `ink` and `rule`, in the theme of the moment. */
  readonly colorOf: (name: string) => string;
  /** The step under the cursor, null when it is nowhere. */
  readonly onCursor: (at: number | null) => void;
}

/** The canvas of the traffic chart. Colours are asked for at each drawing, so `redraw` re-themes it. */
export class TrafficChart {
  readonly #plot: uPlot;
  readonly #resized: ResizeObserver;

  constructor(box: HTMLElement, columns: Columns, hooks: ChartHooks) {
    this.#plot = new uPlot(options(box.clientWidth, hooks), dataOf(columns), box);
    this.#resized = new ResizeObserver(() => this.#plot.setSize({ width: box.clientWidth, height: HEIGHT }));
    this.#resized.observe(box);
  }

  show(columns: Columns): void {
    this.#plot.setData(dataOf(columns));
  }

  toggle(series: number, shown: boolean): void {
    this.#plot.setSeries(series + 1, { show: shown });
  }

  redraw(): void {
    this.#plot.redraw(false, true);
  }

  destroy(): void {
    this.#resized.disconnect();
    this.#plot.destroy();
  }
}

const dataOf = ({ times, rates }: Columns): uPlot.AlignedData => [
  [...times],
  ...rates.map((rate) => [...rate]),
];

function options(width: number, { colorOf, onCursor }: ChartHooks): uPlot.Options {
  const axis: uPlot.Axis = {
    stroke: () => colorOf("ink"),
    font: "11px system-ui, sans-serif",
    grid: { stroke: () => colorOf("rule"), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height: HEIGHT,
    padding: [10, 20, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    // A quiet span still gets a scale on which one request does not look like a flood.
    scales: { y: { range: (_plot, _low, high) => [0, Math.max(5, (high ?? 0) * 1.08)] } },
    axes: [
      {
        ...axis,
        space: 60,
        size: 28,
        values: (_plot, times) => times.map((time) => formatClock(time * 1_000)),
      },
      { ...axis, size: 40, space: 36 },
    ],
    series: [{}, ...SERIES.map((series) => lineOf(series, colorOf))],
    hooks: { setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)] },
  };
}

function lineOf({ key, label, dash }: (typeof SERIES)[number], colorOf: ChartHooks["colorOf"]): uPlot.Series {
  const strong = key === "refused";
  return {
    label,
    stroke: () => colorOf(key),
    width: strong ? 2.5 : 1.5,
    dash: [...dash],
    points: { show: false },
    ...(strong ? { fill: () => colorOf("refused-ground") } : {}),
  };
}
