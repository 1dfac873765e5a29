import { api } from "../api.ts";
import { refresh } from "../refresh.ts";
import { status } from "../state.ts";
import { type RowAction, RowActions } from "./row-actions.tsx";
import { Ago } from "./time.tsx";

const acted = (told: string): string => {
  refresh.status(true);
  refresh.bans(true);
  return told;
};

const RESET: readonly RowAction[] = [
  {
    button: "Reset",
    question: "Keep the bans, let rules ban again and reset",
    asksReason: false,
    async act() {
      await api.resetBreaker(false);
      return acted("Rules may ban again");
    },
  },
  {
    button: "Lift its bans and reset",
    question: "Lift the bans that led to it, let rules ban again and reset",
    asksReason: false,
    async act() {
      const { lifted } = await api.resetBreaker(true);
      return acted(`Lifted ${lifted} bans; rules may ban again`);
    },
  },
];

const END: readonly RowAction[] = [
  {
    button: "End",
    question: "Let rules ban and enforcers block again, and end",
    asksReason: false,
    async act() {
      await api.endPanic();
      return acted("The panic has ended; what it lifted stays lifted");
    },
  },
];

const PANIC: readonly RowAction[] = [
  {
    button: "Panic: lift all",
    question: "Block nobody until you end it, and lift all",
    asksReason: false,
    async act() {
      const { lifted, enforcers } = await api.panic();
      const failed = enforcers.filter(({ state }) => state === "failed").map(({ name }) => name);
      const rest = failed.length === 0 ? "" : `; still blocking: ${failed.join(", ")}`;
      return acted(`Lifted ${lifted} bans${rest}`);
    },
  },
];

const HALTS = {
  breaker: { target: "the circuit breaker", actions: RESET, keep: "Leave it open" },
  panic: { target: "the panic", actions: END, keep: "Go on with it" },
} as const;

/** What a person can do about what keeps rules from banning; why is among the problems. */
export function Halts() {
  const halts = status.value?.halts ?? [];
  if (halts.length === 0) return null;
  return (
    <div class="halts">
      {halts.map(({ name, since }) => (
        <div key={name} class="halt">
          <strong aria-hidden="true">{name === "breaker" ? "Circuit breaker" : "Panic"}</strong>
          <span>
            since <Ago at={since} />
          </span>
          <RowActions {...HALTS[name]} heading="#bans-heading" />
        </div>
      ))}
    </div>
  );
}

/** For when Sekisho locks people out: everything is lifted at once. */
export function Panic() {
  if (status.value?.halts.some(({ name }) => name === "panic") !== false) return null;
  return <RowActions target="bans" actions={PANIC} keep="Go on blocking" heading="#bans-heading" />;
}
