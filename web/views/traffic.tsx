import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { formatClock, formatCount, formatZone } from "../format.ts";
import { refresh } from "../refresh.ts";
import { now, SPANS, traffic, trafficMinutes } from "../state.ts";
import { theme } from "../theme.ts";
import { TrafficChart } from "../traffic-chart.ts";
import { columnsOf, SERIES, stepMinutes, total } from "../traffic-data.ts";
import { Choice } from "./choice.tsx";
import { Section } from "./section.tsx";

const NAMES = { 60: "60 min", 360: "6 h", 1440: "24 h" } as const;

/** Asked of elements of their own: those of the legend fade from one theme to the other. */
const CHART_COLORS = [...SERIES.map(({ key }) => key), "ink", "rule", "refused-ground"];

export function Traffic() {
  return (
    <Section
      id="traffic-heading"
      heading="Traffic"
      class="traffic"
      beside={
        <Choice
          label="Span of time"
          options={SPANS.map((span) => [span, NAMES[span]] as const)}
          value={trafficMinutes.value}
          onChoose={(span) => {
            trafficMinutes.value = span;
            traffic.value = null;
            refresh.traffic(true);
          }}
        />
      }
    >
      {traffic.value === null ? <p class="empty chart-empty">Reading the traffic.</p> : <Figure />}
    </Section>
  );
}

function Figure() {
  const points = traffic.value ?? [];
  const quiet = SERIES.every(({ key }) => total(points, key) === 0);
  if (quiet) {
    return (
      <p class="empty chart-empty">
        No requests in the last {NAMES[trafficMinutes.value]}. Each line that Apache writes to its access log
        shows here within seconds.
      </p>
    );
  }
  return <Chart />;
}

function Chart() {
  const box = useRef<HTMLDivElement>(null);
  const figure = useRef<HTMLElement>(null);
  const chart = useRef<TrafficChart>(null);
  const cursor = useSignal<number | null>(null);
  const hidden = useSignal<ReadonlySet<number>>(new Set());
  const columns = useComputed(() => columnsOf(traffic.value ?? [], trafficMinutes.value));

  useEffect(() => {
    const colorOf = (name: string): string => {
      const probe = figure.current?.querySelector(`i[data-color="${name}"]`);
      return probe ? getComputedStyle(probe).color : "gray";
    };
    const onCursor = (at: number | null): void => {
      cursor.value = at;
    };
    const made = new TrafficChart(box.current!, columns.peek(), { colorOf, onCursor });
    chart.current = made;
    return () => {
      chart.current = null;
      made.destroy();
    };
  }, []);
  useSignalEffect(() => chart.current?.show(columns.value));
  useSignalEffect(() => {
    theme.value;
    chart.current?.redraw();
  });

  const toggle = (at: number): void => {
    const next = new Set(hidden.value);
    if (!next.delete(at)) next.add(at);
    hidden.value = next;
    chart.current?.toggle(at, !next.has(at));
  };
  return (
    <figure ref={figure}>
      <p class="chart-axis">{axisTitle(stepMinutes(trafficMinutes.value), formatZone(now.peek()))}</p>
      <div ref={box} class="chart" aria-hidden="true" />
      <figcaption>
        <Legend at={cursor.value} columns={columns.value} hidden={hidden.value} onToggle={toggle} />
      </figcaption>
      {CHART_COLORS.map((name) => (
        <i key={name} data-color={name} hidden />
      ))}
    </figure>
  );
}

interface LegendProps {
  readonly at: number | null;
  readonly columns: ReturnType<typeof columnsOf>;
  readonly hidden: ReadonlySet<number>;
  readonly onToggle: (series: number) => void;
}

/** Totals of the span, or the rates under the cursor. Each entry hides and shows its line. */
function Legend({ at, columns, hidden, onToggle }: LegendProps) {
  const time = at === null ? undefined : columns.times[at];
  return (
    <>
      <p class="legend-time">
        {time === undefined
          ? `Total of the last ${NAMES[trafficMinutes.value]}`
          : stepTitle(time * 1_000, stepMinutes(trafficMinutes.value))}
      </p>
      <ul class="legend">
        {SERIES.map(({ key, label, meaning, dash }, series) => (
          <li key={key}>
            <button
              type="button"
              aria-pressed={!hidden.has(series)}
              title={`${meaning}; press to hide or show`}
              data-color={key}
              onClick={() => onToggle(series)}
            >
              <svg class="swatch" viewBox="0 0 28 6" aria-hidden="true">
                <line x1="0" y1="3" x2="28" y2="3" stroke-dasharray={dash.join(" ")} />
              </svg>
              <span class="legend-label">{label}</span>{" "}
              <span class="legend-value">
                {time === undefined
                  ? formatCount(total(traffic.value ?? [], key))
                  : formatRate(columns.rates[series]?.[at ?? 0] ?? null)}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

const axisTitle = (step: number, zone: string): string =>
  `Requests a minute${step === 1 ? "" : `, average over ${step} minutes`} (times in ${zone})`;

const stepTitle = (time: number, step: number): string =>
  step === 1
    ? `A minute at ${formatClock(time)}`
    : `Average a minute, ${formatClock(time)} to ${formatClock(time + step * 60_000)}`;

const formatRate = (rate: number | null): string => {
  if (rate === null) return "…";
  return rate < 10 && rate % 1 !== 0 ? rate.toFixed(1) : formatCount(Math.round(rate));
};
