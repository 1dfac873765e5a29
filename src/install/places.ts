/** Where an installed Sekisho is. */
export const HOME = "/opt/sekisho";
export const CONFIG = "/etc/sekisho/sekisho.yaml";
/** How people call the program. */
export const LINK = "/usr/local/bin/sekisho";

/** Where each shell looks for what completes commands. */
export const COMPLETIONS = {
  bash: "/usr/local/share/bash-completion/completions/sekisho",
  zsh: "/usr/local/share/zsh/site-functions/_sekisho",
  fish: "/usr/local/share/fish/vendor_completions.d/sekisho.fish",
} as const;
