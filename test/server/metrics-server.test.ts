import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLogger } from '../../src/pkg/logger.ts';
import { MetricSet } from '../../src/server/metric-set.ts';
import { MetricsServer } from '../../src/server/metrics-server.ts';
import { metricsPage } from '../../src/server/pages/metrics-page.ts';
import { MemoryLogger } from '../support/memory-logger.ts';

const LOOPBACK = { host: '127.0.0.1', port: 0 };

let server: MetricsServer;
let url: string;

beforeEach(async () => {
  const metrics = new MetricSet();
  metrics.register({
    name: 'chihaya_answer',
    help: 'The answer.',
    type: 'gauge',
    collect: () => [{ labels: {}, value: 42 }],
  });
  server = await MetricsServer.start(LOOPBACK, [metricsPage(metrics)], silentLogger);
  url = `http://127.0.0.1:${server.port}`;
});

afterEach(() => server.stop());

test('GET /metrics', async () => {
  const response = await fetch(`${url}/metrics?name=x`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(await response.text()).toContain('\nchihaya_answer 42\n');
});

test('HEAD /metrics', async () => {
  const response = await fetch(`${url}/metrics`, { method: 'HEAD' });
  expect(response.status).toBe(200);
  expect(Number(response.headers.get('content-length'))).toBeGreaterThan(100);
  expect(await response.text()).toBe('');
});

test.each(['/', '/metric', '/metrics/', '/debug/pprof/', '/%'])('GET %s is not found', async (path) => {
  expect((await fetch(url + path)).status).toBe(404);
});

test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('%s is not allowed', async (method) => {
  const response = await fetch(`${url}/metrics`, { method });
  expect(response.status).toBe(405);
  expect(response.headers.get('allow')).toBe('GET, HEAD');
});

test('a path that is not there is told of those that are', async () => {
  expect(await (await fetch(`${url}/`)).text()).toBe('not found: there are /metrics\n');
});

test('a page that fails is logged, and the server goes on', async () => {
  const logger = new MemoryLogger();
  const error = new Error('out of ink');
  const broken = { path: '/broken', answer: () => Promise.reject(error) };
  const other = await MetricsServer.start(LOOPBACK, [broken], logger);
  for (let times = 0; times < 2; times++) {
    const response = await fetch(`http://127.0.0.1:${other.port}/broken?x`);
    expect([response.status, await response.text()]).toEqual([500, 'internal server error\n']);
  }
  await other.stop();
  expect(logger.lines[0]).toEqual({
    level: 'error',
    message: 'a page of the metrics server failed',
    fields: { err: error, url: '/broken?x' },
  });
});

test('a header block that is too large is refused', async () => {
  const response = await fetch(`${url}/metrics`, { headers: { 'x-large': 'x'.repeat(10_000) } });
  expect(response.status).toBe(431);
});

test('a port that is taken is an error that names it', async () => {
  const taken = { host: '127.0.0.1', port: server.port };
  await expect(MetricsServer.start(taken, [], silentLogger)).rejects.toThrow(
    `metrics_addr: 127.0.0.1:${server.port} cannot be bound: `,
  );
});

test('stops while a client is connected and silent', async () => {
  const socket = connect(server.port, '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await server.stop();
  await closed;
  await expect(fetch(`${url}/metrics`)).rejects.toThrow();
});
