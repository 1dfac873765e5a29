import type { RuleMode } from "../../src/model/rule-status.ts";
import { Mark, type Tone } from "./mark.tsx";

const TONES: Readonly<Record<RuleMode, Tone>> = { enforce: "good", observe: "waiting", off: "off" };

/** What a rule may do, apart from what the whole Sekisho does. */
export const RuleModeMark = ({ mode }: { readonly mode: RuleMode }) => <Mark tone={TONES[mode]}>{mode}</Mark>;
