import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface PageHeadingProps {
  /** The id of what a person left the page by, and comes back to. */
  readonly backTo?: string | null;
  readonly children: ComponentChildren;
}

/** The heading of a page of its own. Who comes to it begins there, with the eye and with a screen reader. */
export function PageHeading({ backTo = null, children }: PageHeadingProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const left = backTo === null ? null : document.getElementById(backTo);
    if (left !== null) {
      left.focus({ preventScroll: true });
      left.scrollIntoView({ block: "center" });
      return;
    }
    heading.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, []);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {children}
    </h1>
  );
}
