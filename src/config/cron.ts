import { validate } from "node-cron";

/** The expression when node-cron understands it as five fields, else null. */
export const cronExpression = (text: string): string | null =>
  text.trim().split(/\s+/).length === 5 && validate(text) ? text : null;
