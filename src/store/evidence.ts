import { maskSecrets } from "../model/secrets.ts";
import type { Statements } from "./statements.ts";

/** Of evidence is kept, in bytes as it is stored: of a line, and of all lines of a finding. */
const LINE_BYTES = 1_024;
const ALL_BYTES = 8_192;
const FINDINGS_A_STEP = 200;

const bytesOf = (line: string): number => Buffer.byteLength(JSON.stringify(line)) + 1;

/**
 * A finding's lines as they are stored, a JSON array, without the secrets in them. Findings outlive events, so what is kept of
 * each is bounded: long lines are cut, and of many the first and the last are kept.
 */
export function keptEvidence(lines: readonly string[]): string {
  const cut = lines.map((line) => shortened(maskSecrets(line)));
  const kept: string[] = [];
  const last: string[] = [];
  let room = ALL_BYTES;
  for (let from = 0, to = cut.length - 1; from <= to; ) {
    const isFirst = kept.length <= last.length;
    const line = cut[isFirst ? from : to]!;
    room -= bytesOf(line);
    if (room < 0) {
      kept.push(`[${to - from + 1} lines not kept]`);
      break;
    }
    if (isFirst) kept.push(line);
    else last.unshift(line);
    if (isFirst) from++;
    else to--;
  }
  return JSON.stringify([...kept, ...last]);
}

function shortened(line: string): string {
  let kept = line;
  // What JSON escapes takes up to six times the room.
  for (let bytes = bytesOf(kept); bytes > LINE_BYTES - 8; bytes = bytesOf(kept))
    kept = kept.slice(0, Math.min(kept.length - 1, Math.floor((kept.length * (LINE_BYTES - 8)) / bytes)));
  return kept === line ? line : `${kept} [cut]`;
}

/** Gives up the evidence of some closed incidents' findings at events before that, the oldest first; how many findings. */
export const deleteEvidence = (statements: Statements, beforeEvent: number): number =>
  statements.change(
    `UPDATE findings SET evidence = '[]' WHERE id IN (
       SELECT f.id FROM findings f INDEXED BY findings_evidence JOIN incidents i ON i.id = f.incident
       WHERE f.evidence <> '[]' AND f.event < ? AND i.state = 'closed' ORDER BY f.event LIMIT ${FINDINGS_A_STEP})`,
    beforeEvent,
  );
