import type { EnforcerStatus } from "./api.ts";

/** One state of a generated file. Numbers grow, with gaps: what never came into force is not kept. */
export interface GenerationItem {
  readonly number: number;
  /** When it was written; null where its heading does not tell. */
  readonly at: string | null;
  /** `waiting`: written, and in force after the next reload. `former`: it was in force. */
  readonly state: "in-force" | "waiting" | "former";
  readonly targets: number;
  /** Against the one before it in the list. */
  readonly added: number;
  readonly removed: number;
}

/** What a file is kept to: of what is wanted only targets of that generation are in it. */
export interface HoldItem {
  readonly generation: number;
  readonly since: string;
  /** Why it was put back; null: a person went back to it. */
  readonly cause: string | null;
  /** Wanted targets that are not in the file because of it. */
  readonly heldBack: number;
}

export interface GenerationList {
  /** Newest first. */
  readonly items: readonly GenerationItem[];
  readonly held: HoldItem | null;
}

export interface GenerationChanges extends GenerationItem {
  readonly addedTargets: readonly string[];
  readonly removedTargets: readonly string[];
}

/** The generations of what an enforcer writes. */
export interface History {
  list(): Promise<GenerationList>;
  /** Throws NOT_FOUND. */
  changes(generation: number): Promise<GenerationChanges>;
  /** Goes back to a generation and stays there, or with null on again; in force when it resolves. Throws NOT_FOUND. */
  goTo(generation: number | null): Promise<EnforcerStatus>;
}
