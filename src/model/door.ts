import type { Ip } from "./ip.ts";

/** Where Apache can be asked from this host. */
export interface Door {
  /** An IPv4 address of this host: who asks comes from loopback, and reaches nothing else. */
  readonly address: Ip;
  readonly port: number;
  readonly tls: boolean;
  /** For the Host header and SNI; null: the address itself. */
  readonly name: string | null;
  readonly path: string;
  /** 404 and 410 may be given there before it is asked who may come in; absent: not. */
  readonly answersEarly?: boolean;
}

/** As people write it. */
export const doorText = ({ address, port, tls, name }: Door): string =>
  `${tls ? "https" : "http"}://${name ?? address}:${port}${name === null ? "" : ` at ${address}`}`;
