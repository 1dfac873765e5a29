/** Where an installed Sekisho is. */
export const HOME = "/opt/sekisho";
export const CONFIG = "/etc/sekisho/sekisho.yaml";
/** How people call the program. */
export const LINK = "/usr/local/bin/sekisho";
