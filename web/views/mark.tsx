const SHAPES = {
  good: <circle cx="5" cy="5" r="4.2" />,
  waiting: (
    <>
      <path d="M5 1a4 4 0 0 0 0 8z" />
      <circle cx="5" cy="5" r="3.6" class="mark-hollow" />
    </>
  ),
  bad: <path d="M5 0L10 5 5 10 0 5z" />,
  off: <circle cx="5" cy="5" r="3.6" class="mark-hollow" />,
} as const;

export type Tone = keyof typeof SHAPES;

/** A state as a shape and a word: it never rests on the colour alone. */
export function Mark({ tone, children }: { readonly tone: Tone; readonly children: string }) {
  return (
    <span class={`mark ${tone}`}>
      <svg viewBox="0 0 10 10" aria-hidden="true">
        {SHAPES[tone]}
      </svg>
      {children}
    </span>
  );
}
