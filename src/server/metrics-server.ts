/** Serves pages to operators, over plain HTTP on a port of its own (`metrics_addr`). What they are stands in pages/. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { formatHostPort, type ListenAddress } from '../pkg/listen-address.ts';
import type { Logger } from '../pkg/logger.ts';
import { type Answer, type Page, sentence } from './pages/page.ts';

/** Scrapers are few and local; whoever is slower or bigger than this is something else. */
const LIMITS = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 65_000,
  maxHeaderSize: 8_192,
};
const MAX_CONNECTIONS = 64;

export class MetricsServer {
  readonly host: string;
  readonly port: number;
  readonly #server: Server;
  #stopped: Promise<void> | undefined;

  private constructor(server: Server) {
    this.#server = server;
    const { address, port } = server.address() as AddressInfo;
    this.host = address;
    this.port = port;
  }

  /**
   * @param descriptor of a socket that is bound to the address already
   * @throws Error that names the address, if it cannot be bound
   */
  static async start(
    address: ListenAddress,
    pages: readonly Page[],
    logger: Logger,
    descriptor?: number,
  ): Promise<MetricsServer> {
    const server = createServer(LIMITS, (request, response) => {
      answer(request, response, pages)
        .catch((error: unknown) => {
          logger.error({ err: error, url: request.url }, 'a page of the metrics server failed');
          return sentence(500, 'internal server error');
        })
        .then(({ status, headers, body }) => {
          response.writeHead(status, {
            'content-length': Buffer.byteLength(body),
            'cache-control': 'no-store',
            ...headers,
          });
          response.end(body);
        });
    });
    server.maxConnections = MAX_CONNECTIONS;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        const where = formatHostPort(address.host ?? '', address.port);
        reject(new Error(`metrics_addr: ${where} cannot be bound: ${error.message}`, { cause: error }));
      });
      // Without a host Node takes every address of both families.
      const place = { port: address.port, ...(address.host === undefined ? {} : { host: address.host }) };
      server.listen(descriptor === undefined ? place : { fd: descriptor }, resolve);
    });
    server.on('error', (error) => logger.error({ err: error }, 'the metrics server failed'));
    return new MetricsServer(server);
  }

  /** Answers what is under way and closes. A second call returns the same promise. */
  stop(): Promise<void> {
    this.#stopped ??= new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
      // A scraper that does not read its answer keeps nobody from stopping.
      setTimeout(() => this.#server.closeAllConnections(), 1_000).unref();
    });
    return this.#stopped;
  }
}

async function answer(
  { url = '', method = '' }: IncomingMessage,
  response: ServerResponse,
  pages: readonly Page[],
): Promise<Answer> {
  const [path, query] = url.split('?', 2);
  const page = pages.find((each) => each.path === path);
  if (!page) return sentence(404, `not found: there are ${pages.map((each) => each.path).join(', ')}`);
  const methods = ['GET', 'HEAD', ...(page.post ? ['POST'] : [])];
  if (!methods.includes(method)) {
    const { status, headers, body } = sentence(405, 'method not allowed');
    return { status, headers: { ...headers, allow: methods.join(', ') }, body };
  }
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return page.answer({ query: new URLSearchParams(query), signal: gone.signal });
}
