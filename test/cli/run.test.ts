/** The tracker as a process: its log, its signals, its end. */

import { existsSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { halfRequest } from '../support/half-request.ts';
import { Network, whyNoNetwork } from '../support/network.ts';
import { RunningProcess } from '../support/running-process.ts';
import { TrackerProcess } from '../support/tracker-process.ts';
import { PROGRAM } from './chihaya.ts';

const EVERYTHING = {
  metrics_addr: '127.0.0.1:0',
  http: { addr: '127.0.0.1:0' },
  udp: { addr: '127.0.0.1:0', private_key: 'a very secret text' },
};

async function startTracker(config: object = EVERYTHING): Promise<TrackerProcess> {
  const tracker = await TrackerProcess.start(config);
  onTestFinished(() => tracker.stop());
  return tracker;
}

function run(args: readonly string[], env: Record<string, string> = {}, namespace?: string): RunningProcess {
  const child = new RunningProcess({
    file: process.execPath,
    args: [PROGRAM, '--allow-root', ...args],
    env,
    namespace,
  });
  onTestFinished(() => child.stop('SIGKILL'));
  return child;
}

test('the ready line names what is served', async () => {
  const tracker = await startTracker();
  expect(tracker.addresses).toEqual([
    expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    expect.stringMatching(/^udp:\/\/127\.0\.0\.1:\d+$/),
  ]);
  const response = await fetch(tracker.metrics as string);
  expect(await response.text()).toContain('chihaya_storage_seeders_count 0');
  expect((await fetch(`${tracker.addresses[0]}/scrape`)).status).toBe(200);
});

describe('signals', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s stops the tracker and ends it with 0', async (signal) => {
    const tracker = await startTracker();
    await tracker.process.stop(signal);
    expect(tracker.process.output).toMatch(/"msg":"stopping".*\n.*"msg":"stopped"/);
    expect(tracker.process.exitCode).toBe(0);
    await expect(fetch(`${tracker.addresses[0]}/scrape`)).rejects.toThrow();
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('a second signal, %s, ends it at once with %d', async (signal, code) => {
    const tracker = await startTracker({
      http: { addr: '127.0.0.1:0', read_timeout: '60s', enable_keepalive: true },
    });
    // A request under way, which the first signal waits for.
    const socket = await halfRequest(Number(tracker.address('http').port));
    process.kill(tracker.process.pid, 'SIGTERM');
    await tracker.process.waitFor(/"msg":"stopping"/, 20_000);
    await tracker.process.stop(signal);
    expect(tracker.process.output).not.toContain('"msg":"stopped"');
    expect(tracker.process.exitCode).toBe(code);
    socket.destroy();
  });
});

test('a failure that nobody caught is logged and ends the tracker with 1', async () => {
  const bug = "process.once('SIGUSR2', () => Promise.reject(new Error('a bug')))";
  const config = ['--json', '--config', 'test/cli/minimal.yaml'];
  const child = run(config, { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(bug)}` });
  await child.waitFor(/"msg":"ready"/, 20_000);
  await child.stop('SIGUSR2');
  expect(child.output).toMatch(
    /"level":"error".*"message":"a bug".*"msg":"the tracker failed: this is a bug"/,
  );
  expect(child.exitCode).toBe(1);
});

describe('the log', () => {
  test('each component tells its configuration, defaults included', async () => {
    const tracker = await startTracker();
    const lines = tracker.process.output.split('\n').filter((line) => line.startsWith('{'));
    const shown = lines.map((line) => JSON.parse(line) as { component?: string; config?: object });
    const configurations = shown.filter(({ config }) => config !== undefined);
    expect(configurations.map(({ component }) => component)).toEqual([undefined, 'memory', 'http', 'udp']);
    expect(configurations[2]?.config).toMatchObject({ addr: '127.0.0.1:0', read_timeout: '2s' });
  });

  test('no secret reaches it', async () => {
    const tracker = await startTracker();
    await tracker.process.stop();
    expect(tracker.process.output).toContain('"private_key":"<redacted>"');
    expect(tracker.process.output).not.toContain('secret text');
  });

  test.each([
    ['no key', {}],
    [
      'the placeholder',
      { private_key: 'paste a random string here that will be used to hmac connection IDs' },
    ],
  ])('a random key instead of %s is warned of', async (_, key) => {
    const tracker = await startTracker({ udp: { addr: '127.0.0.1:0', ...key } });
    expect(tracker.problems()).toEqual([
      expect.objectContaining({ level: 'warn', msg: expect.stringMatching(/private_key is not set/) }),
    ]);
    expect(tracker.process.output).not.toMatch(/"private_key":"(?!"|<redacted>")/);
  });

  test('is plain text where standard error is no terminal, and more with --debug', async () => {
    const child = run(['--config', 'test/cli/minimal.yaml', '--debug']);
    await child.waitFor(/INFO.*: ready/, 20_000);
    expect(child.output).not.toContain('\u001b');
    expect(child.output).not.toContain('{"level"');
  });
});

const noDefault =
  whyNoNetwork() ?? (existsSync('/etc/chihaya.yaml') ? 'there is /etc/chihaya.yaml' : undefined);

test.skipIf(noDefault)('without a file the built-in default runs, says so, and passes e2e', async () => {
  const network = new Network(0);
  onTestFinished(() => network.close());
  const { namespace } = network.tracker;
  const tracker = run(['--json'], {}, namespace);
  await tracker.waitFor(/"msg":"ready"/, 20_000);
  expect(tracker.output).toContain('running the built-in default');
  const ready = JSON.parse(tracker.output.split('\n').find((line) => line.includes('"msg":"ready"')) ?? '');
  expect(ready).toMatchObject({
    addresses: ['http://[::]:6969', 'udp://[::]:6969'],
    metrics: 'http://127.0.0.1:6880/metrics',
  });

  const e2e = run(['e2e', '--delay', '10ms'], {}, namespace);
  await e2e.waitFor(/(^passed: .*\n){4}/m, 10_000);
  await e2e.stop();
  expect(e2e.output.trim().split('\n').toSorted()).toEqual([
    'passed: http://127.0.0.1:6969/announce over IPv4 (127.0.0.1)',
    'passed: http://127.0.0.1:6969/announce over IPv6 (::1)',
    'passed: udp://127.0.0.1:6969 over IPv4 (127.0.0.1)',
    'passed: udp://127.0.0.1:6969 over IPv6 (::1)',
  ]);
});
