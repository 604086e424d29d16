/** What systemd is told, read from the socket that it would read from. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DatagramReceiver } from '../support/datagram-receiver.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { TrackerProcess } from '../support/tracker-process.ts';

const CONFIG = { http: { addr: '127.0.0.1:0' } };

async function start(env: Record<string, string>, workers = 1): Promise<TrackerProcess> {
  const tracker = await TrackerProcess.start({ ...CONFIG, workers }, undefined, env);
  onTestFinished(() => tracker.stop());
  return tracker;
}

describe.skipIf(process.platform !== 'linux')('systemd is told', () => {
  test.each([
    ['a file', 1],
    ['a name without a file', 2],
  ])('of start, reload and stop, at %s (workers: %d)', async (what, workers) => {
    const path = what === 'a file' ? join(temporaryDirectory(), 'notify') : `@chihaya-test-${process.pid}`;
    const receiver = await DatagramReceiver.bind(path);
    const before = process.hrtime.bigint() / 1000n;
    const tracker = await start({ NOTIFY_SOCKET: path }, workers);
    const serving = `STATUS=serving ${tracker.addresses[0]}`;
    expect(await receiver.receive()).toEqual(['READY=1', serving]);

    await tracker.reload();
    const [reloading, time, ...rest] = await receiver.receive();
    expect([reloading, ...rest]).toEqual(['RELOADING=1', 'STATUS=reloading']);
    const now = BigInt(/^MONOTONIC_USEC=(\d+)$/.exec(time ?? '')?.[1] ?? 0);
    expect(now > before && now < process.hrtime.bigint() / 1000n).toBe(true);
    expect(await receiver.receive()).toEqual(['READY=1', serving]);

    expect((await tracker.reload('no configuration')).msg).toContain('not reloaded');
    expect((await receiver.receive())[0]).toBe('RELOADING=1');
    expect(await receiver.receive()).toEqual(['READY=1', serving]);

    await tracker.process.stop();
    expect(await receiver.receive()).toEqual(['STOPPING=1', 'STATUS=stopping']);
    expect(tracker.problems().map(({ level }) => level)).not.toContain('warn');
  });

  test('again and again that it is alive, if it wants to be', async () => {
    const path = join(temporaryDirectory(), 'notify');
    const receiver = await DatagramReceiver.bind(path);
    // Each half of that, which is 20 ms. It is read all the while: few datagrams find room until they are.
    const starting = start({ NOTIFY_SOCKET: path, WATCHDOG_USEC: '40000' });
    const kinds: string[] = [];
    const next = async () => kinds.push((await receiver.receive())[0] ?? '');
    while (!kinds.includes('READY=1')) await next();
    const before = kinds.length;
    while (kinds.length < before + 10) await next();
    await starting;
    expect(before).toBeGreaterThan(1);
    expect(new Set(kinds)).toEqual(new Set(['WATCHDOG=1', 'READY=1']));
    expect(kinds.filter((kind) => kind === 'READY=1')).toHaveLength(1);
  });

  test('nothing of that if it wants to be told of another process', async () => {
    const path = join(temporaryDirectory(), 'notify');
    const receiver = await DatagramReceiver.bind(path);
    const tracker = await start({ NOTIFY_SOCKET: path, WATCHDOG_USEC: '2000', WATCHDOG_PID: '1' });
    expect((await receiver.receive())[0]).toBe('READY=1');
    await tracker.reload();
    expect((await receiver.receive())[0]).toBe('RELOADING=1');
  });

  test('a socket where nobody reads is a warning', async () => {
    const path = join(temporaryDirectory(), 'nobody');
    writeFileSync(path, '');
    const tracker = await start({ NOTIFY_SOCKET: path });
    await tracker.process.waitFor(
      /"level":"warn".*ECONNREFUSED.*"msg":"the service manager could not be told"/,
      5_000,
    );
  });

  test('processes that it starts are not taken for it', async () => {
    const path = join(temporaryDirectory(), 'notify');
    await DatagramReceiver.bind(path);
    const code = `import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads';
      const tell = () => console.error('thread', threadId, process.env.NOTIFY_SOCKET, process.env.WATCHDOG_USEC);
      const channel = new BroadcastChannel('test');
      channel.unref();
      channel.onmessage = tell;
      if (isMainThread) process.on('SIGUSR2', () => { tell(); channel.postMessage('tell'); });`;
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` };
    const tracker = await start({ ...env, NOTIFY_SOCKET: path, WATCHDOG_USEC: '1000000' }, 2);
    process.kill(tracker.process.pid, 'SIGUSR2');
    for (const thread of [0, 1, 2])
      await tracker.process.waitFor(new RegExp(`^thread ${thread} undefined undefined$`, 'm'), 20_000);
  });
});
