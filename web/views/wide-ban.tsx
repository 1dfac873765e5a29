import type { BanReach } from "../../src/model/api.ts";
import { formatCount } from "../format.ts";
import { Text } from "./text.tsx";
import { Ago } from "./time.tsx";

/** What a ban would cover, where that is much: a digit that was forgotten bans thousands. */
export function WideBan({ reach, id }: { readonly reach: BanReach; readonly id: string }) {
  const { target, clients, allClients, since } = reach;
  return (
    <p id={id} class="wide-ban">
      <strong>
        <Text value={target} /> is {size(reach)}.
      </strong>{" "}
      {clients === 0 ? "None" : formatCount(clients)} of the {formatCount(allClients)} clients seen since{" "}
      <Ago at={since} /> {clients === 1 ? "is" : "are"} in it.
    </p>
  );
}

const size = ({ addresses, networks }: BanReach): string =>
  addresses === null
    ? `${formatCount(networks ?? 0)} networks of the size that one client has (/64)`
    : `${formatCount(addresses)} addresses`;
