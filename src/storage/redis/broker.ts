/**
 * `redis_broker` and the addresses of other nodes.
 *
 *     redis://[password@]host[:port][/db]            as in the original
 *     redis://user:password@host[:port][/db]
 *     rediss://…                                     over TLS
 *     unix://[user:password@]/path/to/socket[?db=n]
 *
 * What in a user or a password would end it (`@`, `:`, `/`) is percent-encoded.
 */

/** Where a node is. */
export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

export interface Broker {
  readonly address: NodeAddress | { readonly path: string };
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  readonly tls: boolean;
}

export const REDIS_PORT = 6379;
export const SENTINEL_PORT = 26379;

/** `undefined` for what is none of the forms above. */
export function parseBroker(url: string, defaultPort = REDIS_PORT): Broker | undefined {
  const [, scheme = '', rest = ''] = /^(rediss?|unix):\/\/(.*)$/s.exec(url) ?? [];
  const at = rest.lastIndexOf('@');
  const place = rest.slice(at + 1);
  const credentials = parseCredentials(rest.slice(0, Math.max(at, 0)));
  if (!credentials) return undefined;
  if (scheme === 'unix') {
    const match = /^(\/[^?\s]*[^/?\s])(?:\?db=(\d{1,9}))?$/.exec(place);
    if (!match) return undefined;
    return {
      ...credentials,
      address: { path: match[1] as string },
      database: Number(match[2] ?? 0),
      tls: false,
    };
  }
  const match = /^([^/]*)(?:\/(\d{0,9}))?$/.exec(place);
  const address = match && parseNode(match[1] as string, defaultPort);
  if (!address || scheme === '') return undefined;
  return { ...credentials, address, database: Number(match[2] ?? 0), tls: scheme === 'rediss' };
}

/** `host`, `host:port`, `[v6]` or `[v6]:port`; `undefined` for anything else. */
export function parseNode(text: string, defaultPort: number): NodeAddress | undefined {
  const match = /^(?:\[([\da-fA-F:.]+)\]|([^:@/\s[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const port = Number(match?.[3] ?? defaultPort);
  if (!match || port === 0 || port > 65535) return undefined;
  return { host: (match[1] ?? match[2]) as string, port };
}

function parseCredentials(text: string): Pick<Broker, 'username' | 'password'> | undefined {
  const colon = text.indexOf(':');
  try {
    const username = decodeURIComponent(text.slice(0, Math.max(colon, 0)));
    const password = decodeURIComponent(text.slice(colon + 1));
    return { username: username || undefined, password: password || undefined };
  } catch {
    return undefined;
  }
}
