/** What the bans can be exported as. */
export const EXPORT_FORMATS = ["plain", "csv", "json", "stix", "apache", "nginx", "ipset", "nft"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** An export under way: text is made as it is taken, so that no number of bans needs much memory. */
export interface Exported {
  readonly contentType: string;
  readonly fileName: string;
  readonly chunks: Iterable<string>;
}
