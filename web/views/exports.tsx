import { EXPORT_FORMATS, type ExportFormat } from "../../src/model/export.ts";
import { formatCount } from "../format.ts";
import { status } from "../state.ts";
import { Section } from "./section.tsx";
import { Table } from "./table.tsx";

const MEANINGS: Readonly<Record<ExportFormat, string>> = {
  plain: "One address or range a line.",
  csv: "Target, from, until, by, rule and reason, for a spreadsheet.",
  json: "As the HTTP interface answers, all on one page.",
  stix: "A STIX 2.1 bundle, an indicator for each ban.",
  apache: "Require not ip lines, to be included in a RequireAll.",
  nginx: "deny lines, to be included in http, server or location.",
  ipset: "For ipset restore: two sets with times.",
  nft: "For nft -f: a table with two sets with times.",
};

/** The bans as files for other programs. */
export function Exports() {
  const active = status.value?.bans.active ?? 0;
  return (
    <Section
      id="export-heading"
      heading="Bans for other programs"
      beside={
        <span class="note">{active === 1 ? "1 active ban" : `${formatCount(active)} active bans`}</span>
      }
    >
      <Table
        class="exports"
        labelledBy="export-heading"
        heads={["Format", "What it is", "On the command line"]}
      >
        {EXPORT_FORMATS.map((format) => (
          <tr key={format}>
            <th scope="row">
              <a href={`api/export?format=${format}`} download>
                {format}
              </a>
            </th>
            <td class="why">{MEANINGS[format]}</td>
            <td>
              <code>sekisho export --format {format}</code>
            </td>
          </tr>
        ))}
      </Table>
      <p class="empty">
        Whom policy spares by now is left out, and so are imported lists: their publishers have them. In
        observe mode the bans that were decided are exported too.
      </p>
    </Section>
  );
}
