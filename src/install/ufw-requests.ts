import { isMap, isNode, parseDocument } from "yaml";

/**
 * The configuration with `requests` in the section `enforcers.ufw`, all else as it was; null where there is nothing to put in:
 * there is no such section, or it says that already. Only root may run ufw, so the service asks root's half.
 */
export function withUfwRequests(config: string, requests: string): string | null {
  const ufw = parseDocument(config).getIn(["enforcers", "ufw"], true);
  if (!isNode(ufw) || !isMap(ufw) || ufw.has("requests") || ufw.range == null) return null;
  const [from] = ufw.range;
  if (ufw.flow === true) {
    const rest = config.slice(from + 1).trimStart();
    return `${config.slice(0, from)}{ requests: ${requests}${rest.startsWith("}") ? " " : ", "}${rest}`;
  }
  const column = from - (config.lastIndexOf("\n", from) + 1);
  return `${config.slice(0, from)}requests: ${requests}\n${" ".repeat(column)}${config.slice(from)}`;
}
