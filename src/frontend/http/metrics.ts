/** What the HTTP frontend counts besides response times: requests and connections, HTTP and HTTPS told apart. */

import type { Metric, MetricRegistry, Sample } from '../../pkg/metrics.ts';
import { ResponseMetrics } from '../response-metrics.ts';
import { registerKnownSources, type SourceRate } from '../source-rate.ts';
import type { ProxyHeaderFault } from './proxy-protocol.ts';
import { ACTION_NAMES } from './routes.ts';

export type Scheme = 'http' | 'https';

/** Why a connection was cut off: it was too slow to ask, too slow to take its answer, or silent. */
export type Timeout = 'read' | 'write' | 'idle';

/** The counters of one scheme, read when somebody scrapes. */
export class SchemeCounters {
  /** Requests answered with whatever status. */
  requests = 0;
  /** Connections open now. */
  connections = 0;
  /** Bytes of HTTP, without what TLS makes of them and without PROXY headers. */
  receivedBytes = 0;
  sentBytes = 0;
}

export class HttpMetrics {
  readonly responses = new ResponseMetrics('http', ACTION_NAMES);
  readonly schemes: Readonly<Record<Scheme, SchemeCounters>> = {
    http: new SchemeCounters(),
    https: new SchemeCounters(),
  };
  readonly timeouts: Record<Timeout, number> = { read: 0, write: 0, idle: 0 };
  readonly refusedProxyHeaders: Record<ProxyHeaderFault, number> = { missing: 0, malformed: 0 };

  /** @param rate the limit in force */
  register(registry: MetricRegistry, rate: () => SourceRate): void {
    registry.register(this.responses);
    registerKnownSources(registry, 'http', () => ({ announces: rate() }));
    registry.register(
      metric('chihaya_http_requests_total', 'counter', 'Requests answered, whatever their status', () =>
        this.#byScheme('requests'),
      ),
    );
    registry.register(
      metric('chihaya_http_connections', 'gauge', 'Open connections', () => this.#byScheme('connections')),
    );
    registry.register(
      metric(
        'chihaya_http_received_bytes_total',
        'counter',
        'Bytes received, TLS and PROXY headers taken off',
        () => this.#byScheme('receivedBytes'),
      ),
    );
    registry.register(
      metric('chihaya_http_sent_bytes_total', 'counter', 'Bytes sent, before TLS', () =>
        this.#byScheme('sentBytes'),
      ),
    );
    registry.register(
      metric(
        'chihaya_http_timeouts_total',
        'counter',
        'Connections cut off, by the timeout that ran out',
        () => Object.entries(this.timeouts).map(([timeout, value]) => ({ labels: { timeout }, value })),
      ),
    );
    registry.register(
      metric(
        'chihaya_http_proxy_headers_refused_total',
        'counter',
        'Connections from trusted proxies that were closed for their PROXY header',
        () =>
          Object.entries(this.refusedProxyHeaders).map(([reason, value]) => ({ labels: { reason }, value })),
      ),
    );
  }

  #byScheme(counter: keyof SchemeCounters): Sample[] {
    return Object.entries(this.schemes).map(([scheme, counters]) => ({
      labels: { scheme },
      value: counters[counter],
    }));
  }
}

function metric(name: string, type: Metric['type'], help: string, collect: () => Sample[]): Metric {
  return { name, type, help, collect };
}
