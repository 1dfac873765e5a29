import { WAF_SEVERITIES } from "../model/event.ts";

/** ModSecurity 2 names the client once more; neither version has one of Apache's codes. */
const START = /^(?:\[client [0-9A-Fa-f:.]{2,45}\] )?ModSecurity: /;
/**
 * Where the rule's own fields begin. ModSecurity escapes quotes in what follows them (`[msg "…"]`, `[data "…"]`), and a
 * referer, whose quotes nobody escapes, stands behind everything: so the first is believed.
 */
const RULE = / \[file "[^"]*"\] \[line "\d{1,6}"\] \[id "(\d{1,12})"\]/;
const SEVERITY = / \[severity "([A-Z]{4,9}|[0-7])"\]/g;
const UNIQUE_ID = / \[unique_id "([A-Za-z0-9@_.-]{1,64})"\]/;

export interface Alert {
  readonly rule: string;
  readonly severity: string | null;
  readonly requestId: string | null;
}

/**
 * What a message of ModSecurity's tells, version 2 or 3; null for another message, and for one that no rule made. Before
 * the fields stands what matched, with the name of an argument in it that may hold quotes: a client can forge a rule's
 * number there. So the severity is the gravest that is claimed: nobody can make himself look harmless.
 */
export function alertOf(message: string): Alert | null {
  if (!START.test(message)) return null;
  const rule = RULE.exec(message);
  if (rule === null) return null;
  let gravest: number = WAF_SEVERITIES.length;
  for (const [, word] of message.matchAll(SEVERITY)) {
    const number = /\d/.test(word!)
      ? Number(word)
      : (WAF_SEVERITIES as readonly string[]).indexOf(word!.toLowerCase());
    if (number !== -1 && number < gravest) gravest = number;
  }
  return {
    rule: rule[1]!,
    severity: WAF_SEVERITIES.at(gravest) ?? null,
    requestId: UNIQUE_ID.exec(message.slice(rule.index))?.[1] ?? null,
  };
}
