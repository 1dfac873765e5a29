/** How all our documents are read, so that one that is changed means what it did when it was checked. */
export const YAML_OPTIONS = {
  strict: true,
  uniqueKeys: true,
  stringKeys: true,
  prettyErrors: false,
  schema: "core",
  merge: false,
  resolveKnownTags: false,
} as const;
