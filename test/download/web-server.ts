import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

export interface WebPage {
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * A web server on loopback. What each path answers: a text, a page with headers, a status, or `silence`. A page with an ETag
 * or Last-Modified is not sent to who has it.
 */
export async function webServer(pages: Record<string, string | number | WebPage>) {
  const asked: { readonly path: string; readonly headers: IncomingHttpHeaders }[] = [];
  const server = createServer((request, response) => {
    asked.push({ path: request.url!, headers: request.headers });
    const page = pages[request.url!] ?? 404;
    if (page === "silence") return;
    if (typeof page === "number") {
      response.writeHead(page, { location: "/good" }).end();
      return;
    }
    const { body, headers = {} } = typeof page === "string" ? { body: page } : page;
    const has = (asking: string, answering: string): boolean =>
      headers[answering] !== undefined && request.headers[asking] === headers[answering];
    const isKnown = has("if-none-match", "etag") || has("if-modified-since", "last-modified");
    response.writeHead(isKnown ? 304 : 200, headers).end(isKnown ? "" : body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    pages,
    /** Every request so far. */
    asked,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose]: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
