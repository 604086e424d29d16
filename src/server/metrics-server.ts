/** Serves the metrics to operators, over plain HTTP on a port of its own (`metrics_addr`). */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '../pkg/logger.ts';
import { formatHostPort, type ListenAddress } from '../pkg/options.ts';
import type { MetricsSource } from './metric-report.ts';
import { METRICS_CONTENT_TYPE } from './metric-set.ts';

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

  /** @throws Error that names the address, if it cannot be bound */
  static async start(address: ListenAddress, metrics: MetricsSource, logger: Logger): Promise<MetricsServer> {
    const server = createServer(LIMITS, (request, response) => {
      answer(request, response, metrics).catch((error: unknown) => {
        logger.error({ err: error }, 'the metrics cannot be read');
        if (!response.headersSent) say(response, 500, 'internal server error');
        response.end();
      });
    });
    server.maxConnections = MAX_CONNECTIONS;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        const where = formatHostPort(address.host ?? '', address.port);
        reject(new Error(`metrics_addr: ${where} cannot be bound: ${error.message}`, { cause: error }));
      });
      // Without a host Node takes every address of both families.
      server.listen(
        { port: address.port, ...(address.host === undefined ? {} : { host: address.host }) },
        resolve,
      );
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
  request: IncomingMessage,
  response: ServerResponse,
  metrics: MetricsSource,
): Promise<void> {
  const path = request.url?.split('?', 1)[0];
  if (path !== '/metrics') return say(response, 404, 'not found: metrics are at /metrics');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return say(response, 405, 'method not allowed');
  }
  const text = await metrics.text();
  response.writeHead(200, {
    'content-type': METRICS_CONTENT_TYPE,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.end(text);
}

function say(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${text}\n`);
}
