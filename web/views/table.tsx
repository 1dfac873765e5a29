import type { ComponentChildren } from "preact";

interface TableProps {
  readonly class: string;
  /** The id of the heading that names it. */
  readonly labelledBy: string;
  /** What stands above the columns; `number` where the cells are numbers. */
  readonly heads: readonly (string | { readonly number: string })[];
  /** Whether the last column holds `RowActions`: its head is for those who hear the table. */
  readonly actions?: boolean;
  /** The rows. */
  readonly children: ComponentChildren;
}

export function Table({ class: name, labelledBy, heads, actions = false, children }: TableProps) {
  return (
    <table class={name} aria-labelledby={labelledBy}>
      <thead>
        <tr>
          {heads.map((head) =>
            typeof head === "string" ? (
              <th key={head} scope="col">
                {head}
              </th>
            ) : (
              <th key={head.number} scope="col" class="number">
                {head.number}
              </th>
            ),
          )}
          {actions && (
            <th scope="col">
              <span class="unseen">Actions</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}
