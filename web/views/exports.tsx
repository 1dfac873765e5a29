import { EXPORT_FORMATS, type ExportFormat } from "../../src/model/export.ts";
import { formatCount } from "../format.ts";
import { status } from "../state.ts";

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
    <section aria-labelledby="export-heading">
      <div class="section-head">
        <h2 id="export-heading">Bans for other programs</h2>
        <span class="note">{active === 1 ? "1 active ban" : `${formatCount(active)} active bans`}</span>
      </div>
      <table class="exports" aria-labelledby="export-heading">
        <thead>
          <tr>
            <th scope="col">Format</th>
            <th scope="col">What it is</th>
            <th scope="col">On the command line</th>
          </tr>
        </thead>
        <tbody>
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
        </tbody>
      </table>
      <p class="empty">
        Whom policy spares by now is left out, and so are imported lists: their publishers have them. In
        observe mode the bans that were decided are exported too.
      </p>
    </section>
  );
}
