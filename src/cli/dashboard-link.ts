import { type Environment, sshConnection } from "./ssh-client.ts";

/** Where the dashboard is, and how a browser comes in. */
export function linkLines(link: string, env: Environment): readonly string[] {
  const tunnel = tunnelTo(link, env);
  return [
    `Dashboard: ${link}`,
    "  The link signs in once, within ten minutes.",
    ...(tunnel === null ? [] : [`  It is for a browser on this host. On your own computer first: ${tunnel}`]),
  ];
}

/**
 * What the person runs on their own computer to have a port of this host's loopback there; null where they sit here, or
 * where the page is reached without.
 */
export function tunnelTo(url: string, env: Environment): string | null {
  const { server } = sshConnection(env);
  const { hostname, port: told } = new URL(url);
  const port = told === "" ? "80" : told;
  if (server === null || !/^127(\.\d+){3}$|^\[::1\]$|^localhost$/.test(hostname)) return null;
  return `ssh -L ${port}:${hostname}:${port} ${server}`;
}
