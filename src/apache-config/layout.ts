import { basename, dirname, join, relative, resolve } from "node:path";
import { readEnvironment, type StartEnvironment } from "./environment.ts";
import { FileTree } from "./files.ts";
import { defaultServerRoot, type ReadOptions } from "./reader.ts";

/** Where distributions and Apache itself put the main file, and what takes `configtest` and `graceful` there. */
export const MAIN_FILES = [
  { main: "/etc/apache2/apache2.conf", control: "apache2ctl" },
  { main: "/etc/httpd/conf/httpd.conf", control: "apachectl" },
  { main: "/etc/apache2/httpd.conf", control: "apachectl" },
  { main: "/usr/local/apache2/conf/httpd.conf", control: "/usr/local/apache2/bin/apachectl" },
] as const;

export interface Installation extends Omit<ReadOptions, "main"> {
  /** Apache's main file, as it is reached from here. */
  readonly main: string;
}

/** The Apache whose main file is `file`, or is found in the usual places below `root`; null when there is none. */
export function findApache(root: string, file: string | null): Installation | null {
  const tree = new FileTree(root);
  if (file !== null) {
    const inTree = relative(tree.root, resolve(file));
    const own = inTree.startsWith("..") ? resolve(file) : `/${inTree}`;
    const isDebian = basename(own) === "apache2.conf";
    return installation(tree, resolve(file), own, isDebian ? "apache2ctl" : "apachectl");
  }
  const found = MAIN_FILES.find(({ main }) => tree.exists(tree.locate(main, "/")));
  if (found === undefined) return null;
  return installation(tree, tree.locate(found.main, "/"), found.main, found.control);
}

function installation(tree: FileTree, main: string, own: string, control: string): Installation {
  const { variables, defines } = startEnvironment(tree, main);
  return { tree, main, control, serverRoot: defaultServerRoot(own), environment: variables, defines };
}

/** Debian's apache2ctl reads envvars beside the main file, RHEL's unit /etc/sysconfig/httpd. */
function startEnvironment(tree: FileTree, main: string): StartEnvironment {
  const folder = dirname(main);
  const instance = /^apache2(-.+)$/.exec(basename(folder))?.[1] ?? "";
  for (const place of [join(folder, "envvars"), tree.locate("/etc/sysconfig/httpd", "/")]) {
    const content = tree.read(place);
    if ("text" in content) return readEnvironment(content.text, new Map([["SUFFIX", instance]]));
  }
  return { variables: new Map(), defines: [] };
}
