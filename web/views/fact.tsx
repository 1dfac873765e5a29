import type { ComponentChildren } from "preact";

interface FactProps {
  readonly name: string;
  /** What it means, where its name does not say. */
  readonly title?: string;
  readonly children: ComponentChildren;
}

/** A name and a value of a list of facts. */
export function Fact({ name, title, children }: FactProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd {...(title !== undefined && { title })}>{children}</dd>
    </div>
  );
}
