/**
 * HTTP and HTTPS requests through Node's own client, which takes no answer that is not well-formed: on connections that are kept, and on
 * a connection each. A request is sent once.
 */

import { type ClientRequest, Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { beginPatience } from './patience.ts';
import { IPV6_ADDRESS } from './places.ts';

/** Less than the tracker keeps a connection: it must not close one that is just being used. */
const KEPT = 5_000;

export interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
  /** Of the certificate shown, on a new TLS connection. */
  readonly fingerprint: string | undefined;
}

export interface HttpRequest {
  readonly path: string;
  readonly method?: string;
  /** The client's address. */
  readonly source: string;
  readonly secure: boolean;
  readonly kept: boolean;
}

export class HttpClients {
  readonly #ports: { readonly http: number; readonly https: number };
  readonly #kept = {
    http: new HttpAgent({ keepAlive: true, timeout: KEPT }),
    https: new HttpsAgent({ keepAlive: true, timeout: KEPT, rejectUnauthorized: false }),
  };
  readonly #each = {
    http: new HttpAgent({ keepAlive: false }),
    // A session that is resumed shows no certificate.
    https: new HttpsAgent({ keepAlive: false, rejectUnauthorized: false, maxCachedSessions: 0 }),
  };

  constructor(ports: { readonly http: number; readonly https: number }) {
    this.#ports = ports;
  }

  /** Resolves to the answer, or to what went wrong. */
  ask({ path, method = 'GET', source, secure, kept }: HttpRequest): Promise<HttpAnswer | string> {
    const scheme = secure ? 'https' : 'http';
    const options = {
      host: source === IPV6_ADDRESS ? IPV6_ADDRESS : '127.0.0.1',
      port: this.#ports[scheme],
      localAddress: source,
      agent: (kept ? this.#kept : this.#each)[scheme],
      path,
      method,
    };
    return new Promise((resolve) => {
      const asked: ClientRequest = secure ? httpsRequest(options) : httpRequest(options);
      const over = beginPatience(() => asked.destroy(new Error('no answer')));
      const end = (result: HttpAnswer | string): void => {
        over();
        resolve(result);
      };
      asked.on('error', (error) => end(error.message));
      asked.on('response', (response) => {
        const pieces: Buffer[] = [];
        const fresh = secure && !asked.reusedSocket;
        const fingerprint = fresh
          ? (response.socket as TLSSocket).getPeerCertificate().fingerprint256
          : undefined;
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('error', (error) => end(error.message));
        response.on('end', () =>
          end({ status: response.statusCode ?? 0, body: Buffer.concat(pieces), fingerprint }),
        );
      });
      asked.end();
    });
  }

  /** Closes connections that are kept. */
  close(): void {
    for (const agents of [this.#kept, this.#each]) for (const agent of Object.values(agents)) agent.destroy();
  }
}
