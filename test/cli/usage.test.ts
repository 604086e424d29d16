import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chihaya } from './chihaya.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'chihaya-cli-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function configFile(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  return path;
}

test('--version', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(await chihaya(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

test('--help names every flag and command', async () => {
  const { code, stdout } = await chihaya(['--help']);
  expect(code).toBe(0);
  const flags = [
    '--config',
    '--watch',
    '--user',
    '--allow-root',
    '--debug',
    '--json',
    '--nocolors',
    '--version',
    '--help',
  ];
  for (const word of [...flags, 'e2e', 'check', 'config', 'top', 'completion'])
    expect(stdout).toContain(word);
});

test('e2e --help names every flag and its default', async () => {
  const { code, stdout } = await chihaya(['e2e', '--help']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/--httpaddr <url> .*default: "http:\/\/127\.0\.0\.1:6969\/announce"/s);
  expect(stdout).toMatch(/--udpaddr <url> .*default:\s+"udp:\/\/127\.0\.0\.1:6969"/s);
  expect(stdout).toMatch(/--delay <duration> .*default: "1s"/s);
});

test('docs/command-line.md lists every command with its flags, and no other', async () => {
  const flagsOf = async (command: readonly string[]) => {
    const { stdout } = await chihaya([...command, '--help']);
    return [...stdout.matchAll(/^ +(--[a-z0-9-]+)/gm)].map(([, flag]) => flag);
  };
  const { stdout } = await chihaya(['--help']);
  const [, list = ''] = stdout.split('Commands:');
  const commands = [...list.matchAll(/^ {2}([a-z0-9]+)/gm)].map(([, command = '']) => command);
  expect(commands).toEqual(['e2e', 'check', 'config', 'top', 'completion']);

  const [top = '', ...sections] = readFileSync('docs/command-line.md', 'utf8').split(/^## /m);
  const listed = (section: string) => [...section.matchAll(/^\| `(--[a-z0-9-]+)/gm)].map(([, flag]) => flag);
  expect(listed(top).toSorted()).toEqual((await flagsOf([])).toSorted());
  for (const command of commands) {
    const section = sections.find((each) => each.startsWith(`\`chihaya ${command}`)) ?? '';
    // `--help` is listed once, for all.
    const flags = (await flagsOf([command])).filter((flag) => flag !== '--help');
    expect(listed(section), command).toEqual(flags);
  }
});

describe('a command line that cannot be understood ends with 2', () => {
  test.each([
    [['--no-such-flag'], "unknown option '--no-such-flag'"],
    [['--confg', 'x'], 'Did you mean --config?'],
    [['--config'], "option '--config <path>' argument missing"],
    [['nonsense'], 'too many arguments'],
    [['completion'], "missing required argument 'shell'"],
    [['top', '--interval', '1'], '--interval: expected a duration from 100ms to 1h, found "1"'],
    [['top', '--interval', '10ms'], '--interval: expected a duration from 100ms to 1h, found "10ms"'],
    [['top', '--metrics', '127.0.0.1:6880'], '--metrics: expected an address with http:// or https://'],
    [['top'], 'expected a terminal, found none; --once prints one frame anywhere'],
    [['e2e', '--delay', 'soon'], '--delay: expected a duration such as 1s, found "soon"'],
    [['e2e', '--delay=-1s'], '--delay: expected a duration such as 1s, found "-1s"'],
    [['e2e', '--httpaddr', '127.0.0.1:6969'], '--httpaddr: expected an address with http:// or https://'],
    [['e2e', '--udpaddr', 'http://127.0.0.1:6969'], '--udpaddr: expected an address with udp://'],
    [['e2e', '--udpaddr', 'udp://127.0.0.1'], '--udpaddr: expected a port'],
    [['e2e', '--httpaddr', '', '--udpaddr', ''], 'expected --httpaddr or --udpaddr or both, found neither'],
  ])('%j', async (args, message) => {
    const { code, stderr } = await chihaya(args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});

describe('a tracker that cannot start ends with 1', () => {
  test('no file at the path given', async () => {
    const { code, stderr, stdout } = await chihaya(['--config', '/no/such/$WHAT.yaml'], { WHAT: 'file' });
    expect(stderr).toContain('/no/such/file.yaml: the configuration cannot be read: ENOENT');
    expect(stdout).toBe('');
    expect(code).toBe(1);
  });

  test('every mistake in the file, one line each', async () => {
    const path = await configFile(
      'wrong.yaml',
      'chihaya:\n  http: { addr: ":1", adr: x }\n  announce_interval: soon\n',
    );
    const { code, stderr } = await chihaya(['--json', '--config', path]);
    const lines = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { level: string; msg: string });
    expect(lines.filter(({ level }) => level === 'error').map(({ msg }) => msg)).toEqual([
      `${path}:3:22: announce_interval: expected a duration such as 30m or 500ms, found "soon"`,
      `${path}:2:23: http.adr: expected a known key, found "adr"; did you mean "addr"?`,
      'the tracker did not start: 2 mistakes in the configuration',
    ]);
    expect(code).toBe(1);
  });

  test('a store that there is not', async () => {
    const path = await configFile('etcd.yaml', 'chihaya:\n  storage:\n    name: etcd\n');
    const { code, stderr } = await chihaya(['--config', path]);
    expect(stderr).toContain(`${path}:3:11: storage.name: expected one of "memory", "redis", found "etcd"`);
    expect(code).toBe(1);
  });

  test.each(['metrics_addr', 'http', 'udp'])('an address of %s that is taken', async (key) => {
    const taken = key === 'udp' ? await takenUdpPort() : await takenTcpPort();
    const address = `127.0.0.1:${taken.port}`;
    const value = key === 'metrics_addr' ? address : { addr: address };
    const path = await configFile(`${key}.yaml`, JSON.stringify({ chihaya: { [key]: value } }));
    const { code, stderr } = await chihaya(['--config', path]);
    taken.free();
    expect(stderr).toMatch(new RegExp(`did not start: .*${address}.*EADDRINUSE`));
    expect(code).toBe(1);
  });
});

async function takenTcpPort(): Promise<{ port: number; free: () => void }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, free: () => server.close() };
}

async function takenUdpPort(): Promise<{ port: number; free: () => void }> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return { port: socket.address().port, free: () => socket.close() };
}
