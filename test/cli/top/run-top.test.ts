/** `chihaya top` beside a real tracker, on a real terminal. */

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { reservePort } from '../../support/reserved-port.ts';
import { TrackerProcess } from '../../support/tracker-process.ts';
import { chihaya } from '../chihaya.ts';
import { OnTerminal } from './on-terminal.ts';

const ENTERED = '\x1b[?1049h';
const LEFT = '\x1b[?25h\x1b[?1049l';

/** util-linux's, which gives a program a terminal; others take other flags. */
const hasScript = spawnSync('script', ['--version']).stdout?.includes('util-linux') ?? false;

async function startTracker(metricsPort = 0): Promise<TrackerProcess> {
  const tracker = await TrackerProcess.start({
    udp: { addr: '127.0.0.1:0' },
    metrics_addr: `127.0.0.1:${metricsPort}`,
    workers: 1,
  });
  onTestFinished(() => tracker.stop());
  return tracker;
}

/** What a server answers that is no tracker. */
async function serve(status: number, text: string): Promise<string> {
  const server = createServer((_request, response) => response.writeHead(status).end(text));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
}

describe('--once', () => {
  test('prints a frame without control codes', async () => {
    const { metrics = '' } = await startTracker();
    const { code, stdout, stderr } = await chihaya([
      'top',
      '--metrics',
      metrics,
      '--interval',
      '100ms',
      '--once',
    ]);
    expect(stderr).toBe('');
    expect(stdout).toMatch(
      /^chihaya\b.* http:\/\/127\.0\.0\.1:\d+\/metrics {3}up \d+s\nrates over \d\.\d s\n/,
    );
    for (const title of ['REQUESTS/S', 'ERRORS/S', 'LATENCY ms', 'SWARMS', 'WORKERS', 'PROCESS']) {
      expect(stdout).toContain(`\n\n${title}`);
    }
    expect(stdout).toContain('\nswarms 0   seeders 0   leechers 0\n');
    expect(stdout).toContain('\nserving 1   restarts 0');
    expect(stdout).not.toMatch(/[^\n\P{Cc}]/u);
    expect(code).toBe(0);
  });

  test.each([
    [404, 'x', 'expected status 200, found 404'],
    [200, 'up 1\n', 'expected the metrics of a tracker, found none'],
  ])('fails where there is no tracker: %i %j', async (status, text, reason) => {
    const url = await serve(status, text);
    const { code, stdout, stderr } = await chihaya(['top', '--metrics', url, '--once']);
    expect([code, stdout, stderr]).toEqual([1, '', `error: ${url}: ${reason}\n`]);
  });

  test('fails where nobody listens', async () => {
    const { port, release } = await reservePort();
    onTestFinished(release);
    const url = `http://127.0.0.1:${port}/metrics`;
    const { code, stderr } = await chihaya(['top', '--metrics', url, '--once']);
    expect([code, stderr]).toEqual([1, `error: ${url}: connect ECONNREFUSED 127.0.0.1:${port}\n`]);
  });
});

describe.runIf(hasScript)('on a terminal', () => {
  async function open(url: string): Promise<OnTerminal> {
    const top = new OnTerminal(['top', '--metrics', url, '--interval', '100ms']);
    onTestFinished(() => top.kill());
    await top.waitFor(ENTERED);
    return top;
  }

  test.each(['q', '\x03'])('%j leaves it as it was', async (key) => {
    const { metrics = '' } = await startTracker();
    const top = await open(metrics);
    await top.waitFor('REQUESTS/S');
    top.type(key);
    expect(await top.ended).toBe(0);
    expect(top.output.trimEnd().endsWith(LEFT)).toBe(true);
  });

  test('SIGTERM leaves it as it was', async () => {
    const { metrics = '' } = await startTracker();
    const top = await open(metrics);
    await top.waitFor('REQUESTS/S');
    top.terminate();
    expect(await top.ended).toBe(0);
    expect(top.output.trimEnd().endsWith(LEFT)).toBe(true);
  });

  test('a tracker that goes away is told, and its return', async () => {
    const { port, release } = await reservePort();
    onTestFinished(release);
    const tracker = await startTracker(port);
    const top = await open(tracker.metrics ?? '');
    await top.waitFor('REQUESTS/S');
    await tracker.stop();
    await top.waitFor('NO ANSWER for ');
    await top.waitFor('connect ECONNREFUSED');
    await startTracker(port);
    await top.waitFor('rates over');
    top.type('q');
    expect(await top.ended).toBe(0);
  });
});
