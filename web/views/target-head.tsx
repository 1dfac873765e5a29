import { Text } from "./text.tsx";

/** Longer ones are broken, or why they are banned would have no room: a whole IPv6 address, and no /64. */
const LONG = 24;

/** The head of the row of a target. */
export const TargetHead = ({ target }: { readonly target: string }) => (
  <th scope="row" class={target.length > LONG ? "target long" : "target"}>
    <Text value={target} />
  </th>
);
