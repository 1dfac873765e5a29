import type { ComponentChildren } from "preact";

interface SectionProps {
  /** Of the heading. */
  readonly id: string;
  readonly heading: string;
  /** Whether the focus can be led to the heading. */
  readonly focusable?: boolean;
  readonly class?: string;
  /** What stands in the heading's line. */
  readonly beside?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A part of a page under a heading of its own. */
export function Section({ id, heading, focusable = false, class: name, beside, children }: SectionProps) {
  return (
    <section aria-labelledby={id} {...(name !== undefined && { class: name })}>
      <div class="section-head">
        <h2 id={id} {...(focusable && { tabIndex: -1 })}>
          {heading}
        </h2>
        {beside}
      </div>
      {children}
    </section>
  );
}
