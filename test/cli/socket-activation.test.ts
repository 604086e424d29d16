/** Sockets that somebody else has bound, as systemd hands them over. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Libc, loadLibc } from '../../src/pkg/libc.ts';
import { bindSocket, SOCK_DGRAM, SOCK_STREAM } from '../../src/pkg/reuse-port.ts';
import { decodeSocketAddress, SOCKADDR_IN6 } from '../../src/pkg/socket-address.ts';
import { testWith } from '../support/installed.ts';
import { reservePort } from '../support/reserved-port.ts';
import { RunningProcess } from '../support/running-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { connectPacket, UdpClient } from '../support/udp-client.ts';
import { PROGRAM } from './chihaya.ts';

const linux = process.platform === 'linux';
let libc: Libc;
beforeAll(async () => {
  if (linux) libc = await loadLibc();
});

interface Bound {
  readonly fd: number;
  readonly port: number;
}

function bind(type: number, host = '127.0.0.1'): Bound {
  const fd = bindSocket(libc, type, host, 0, false);
  onTestFinished(() => void libc.close(fd));
  const address = new Uint8Array(SOCKADDR_IN6);
  libc.getsockname(fd, address, Int32Array.of(SOCKADDR_IN6));
  return { fd, port: decodeSocketAddress(address).port };
}

function configure(config: object): string {
  const path = join(temporaryDirectory(), 'chihaya.yaml');
  writeFileSync(path, JSON.stringify({ chihaya: config }));
  return path;
}

/** Starts the tracker as systemd does. @param pid whom the descriptors are said to be for, by default it */
async function start(
  config: object,
  sockets: readonly Bound[],
  env: Record<string, string> = {},
  pid = '$$',
): Promise<{ child: RunningProcess; addresses: string[] }> {
  const program = [process.execPath, PROGRAM, '--allow-root', '--json', '--config', configure(config)];
  const child = new RunningProcess({
    file: 'sh',
    args: ['-c', `LISTEN_PID=${pid} exec "$@"`, 'sh', ...program],
    env: { LISTEN_FDS: String(sockets.length), ...env },
    descriptors: sockets.map(({ fd }) => fd),
  });
  onTestFinished(() => child.stop());
  const [line] = await child.waitFor(/^\{.*"msg":"ready".*\}$/m, 20_000);
  return { child, ...(JSON.parse(line) as { addresses: string[] }) };
}

function handedOver({ output }: RunningProcess): object[] {
  return output
    .split('\n')
    .filter((line) => line.includes('handed over'))
    .map((line) => JSON.parse(line) as object);
}

const url = (port: number, id: number) =>
  `http://127.0.0.1:${port}/announce?info_hash=${'a'.repeat(20)}&peer_id=${String(id).padStart(20, 'b')}&port=6881&uploaded=0&downloaded=0&left=1`;

async function expectServed(http: number, udp: number): Promise<void> {
  for (let i = 0; i < 20; i++) {
    const response = await fetch(url(http, i), { headers: { connection: 'close' } });
    expect(await response.text()).toContain('8:interval');
    const client = await UdpClient.open(udp);
    expect(await client.connect()).toHaveLength(8);
    await client.close();
  }
}

const WITHOUT_KOFFI = (() => {
  const resolve = `export async function resolve(name, context, next) {
    if (name === 'koffi') throw new Error('koffi is not there');
    return next(name, context);
  }`;
  const code = `import { register } from 'node:module';
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(resolve)}));`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` };
})();

describe.skipIf(!linux)('sockets that are handed over', () => {
  test.each([
    [1, 'mmsg'],
    [3, 'mmsg'],
    [1, 'dgram'],
    [3, 'dgram'],
  ])(
    'are served where the configuration has their addresses (workers: %d, udp.socket: %s)',
    async (workers, socket) => {
      const udp = bind(SOCK_DGRAM);
      const http = bind(SOCK_STREAM);
      const { child, addresses } = await start(
        {
          workers,
          metrics_addr: '127.0.0.1:0',
          http: { addr: `localhost:${http.port}` },
          udp: { addr: `127.0.0.1:${udp.port}`, private_key: 'a text', socket },
        },
        [udp, http],
      );
      expect(addresses).toEqual([`http://127.0.0.1:${http.port}`, `udp://127.0.0.1:${udp.port}`]);
      expect(handedOver(child)).toEqual([
        expect.objectContaining({ descriptor: 3, type: 'dgram', for: 'udp.addr', level: 'info' }),
        expect.objectContaining({ descriptor: 4, type: 'stream', for: 'http.addr', level: 'info' }),
        expect.objectContaining({
          level: 'info',
          msg: 'no socket was handed over for metrics_addr: the tracker binds 127.0.0.1:0 itself',
        }),
      ]);
      await expectServed(http.port, udp.port);
      expect(child.output).not.toMatch(/"level":"(warn|error)"/);

      // They stay their owner's: what comes after the stop waits for the next.
      await child.stop('SIGTERM', 10_000);
      expect(child.exitCode).toBe(0);
      const waiting = await UdpClient.open(udp.port);
      onTestFinished(() => waiting.close());
      await waiting.send(connectPacket(7));
      const config = { udp: { addr: `127.0.0.1:${udp.port}`, private_key: 'a text' } };
      await start({ ...config, workers }, [udp]);
      expect(await waiting.receive()).toHaveLength(16);
    },
  );

  test('on all addresses of both families', async () => {
    const udp = bind(SOCK_DGRAM, '::');
    const http = bind(SOCK_STREAM, '::');
    const { addresses } = await start(
      { workers: 2, http: { addr: `:${http.port}` }, udp: { addr: `:${udp.port}` } },
      [http, udp],
    );
    expect(addresses).toEqual([`http://[::]:${http.port}`, `udp://[::]:${udp.port}`]);
    await expectServed(http.port, udp.port);
  });

  test('are served by a worker that takes the place of one that died', async () => {
    const udp = bind(SOCK_DGRAM);
    const http = bind(SOCK_STREAM);
    const code = `
      import { BroadcastChannel, isMainThread } from 'node:worker_threads';
      const channel = new BroadcastChannel('test');
      channel.unref();
      if (isMainThread) process.on('SIGUSR2', () => channel.postMessage('fail'));
      else channel.onmessage = () => process.exit(7);`;
    const { child } = await start(
      { workers: 2, http: { addr: `127.0.0.1:${http.port}` }, udp: { addr: `127.0.0.1:${udp.port}` } },
      [udp, http],
      { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` },
    );
    const { said } = child;
    process.kill(child.pid, 'SIGUSR2');
    for (const worker of [1, 2])
      await child.waitFor(new RegExp(`"msg":"worker ${worker} serves again"`), 20_000, said);
    await expectServed(http.port, udp.port);
  });

  test('are told by their names without koffi', async () => {
    const udp = bind(SOCK_DGRAM);
    const http = bind(SOCK_STREAM);
    const metrics = bind(SOCK_STREAM);
    const { addresses, child } = await start(
      {
        metrics_addr: `127.0.0.1:${metrics.port}`,
        http: { addr: `127.0.0.1:${http.port}` },
        udp: { addr: `127.0.0.1:${udp.port}` },
      },
      [udp, metrics, http],
      { ...WITHOUT_KOFFI, LISTEN_FDNAMES: 'udp:metrics:http' },
    );
    expect(handedOver(child)).toHaveLength(3);
    expect(addresses).toEqual([`http://127.0.0.1:${http.port}`, `udp://127.0.0.1:${udp.port}`]);
    await expectServed(http.port, udp.port);
    expect((await fetch(`http://127.0.0.1:${metrics.port}/health/ready`)).status).toBe(200);
  });

  test('that nobody wants are a warning, and do not keep it from binding others', async () => {
    const stranger = bind(SOCK_STREAM);
    const { child, addresses } = await start({ http: { addr: '127.0.0.1:0' } }, [stranger]);
    expect(addresses).toEqual([expect.stringMatching(/^http:/)]);
    expect(handedOver(child)).toEqual([
      expect.objectContaining({ level: 'warn', descriptor: 3, address: `127.0.0.1:${stranger.port}` }),
      expect.objectContaining({ level: 'info', msg: expect.stringContaining('http.addr') }),
    ]);
  });

  test('are let be if they are for another process', async () => {
    const http = bind(SOCK_STREAM);
    const { child, addresses } = await start({ http: { addr: '127.0.0.1:0' } }, [http], {}, '1');
    expect(handedOver(child)).toEqual([]);
    expect(addresses).not.toContain(`http://127.0.0.1:${http.port}`);
  });

  test('are not told of to what the tracker starts', async () => {
    const http = bind(SOCK_STREAM);
    const code = `import { isMainThread } from 'node:worker_threads';
      if (isMainThread) process.on('SIGUSR2', () => console.error('left:', Object.keys(process.env).filter((name) => name.startsWith('LISTEN_')).length));`;
    const { child } = await start({ http: { addr: `127.0.0.1:${http.port}` } }, [http], {
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}`,
      LISTEN_FDNAMES: 'http',
    });
    process.kill(child.pid, 'SIGUSR2');
    await child.waitFor(/^left: 0$/m, 20_000);
  });

  testWith('systemd-socket-activate', 'a connection that comes before the tracker is answered', async () => {
    const { port, release } = await reservePort();
    onTestFinished(release);
    const config = configure({ workers: 2, http: { addr: `127.0.0.1:${port}` } });
    const program = [process.execPath, PROGRAM, '--allow-root', '--json', '--config', config];
    const child = new RunningProcess({
      file: 'systemd-socket-activate',
      args: ['--listen', `127.0.0.1:${port}`, ...program],
    });
    onTestFinished(() => child.stop());
    await child.waitFor(/Listening on /, 20_000);
    expect(child.output).not.toContain('ready');
    expect(await (await fetch(url(port, 1))).text()).toContain('8:interval');
    await child.waitFor(/"for":"http.addr".*"msg":"a socket was handed over"/, 20_000);
  });
});

test('the socket unit lists what the built-in configuration serves', () => {
  const unit = readFileSync('dist/systemd/chihaya.socket', 'utf8');
  expect(unit).toMatch(/^ListenStream=\[::\]:6969$/m);
  expect(unit).toMatch(/^ListenDatagram=\[::\]:6969$/m);
});
