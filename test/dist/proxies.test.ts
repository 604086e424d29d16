/** nginx and HAProxy themselves, with the files of dist/, before a tracker. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { get as getSecurely } from 'node:https';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { bdecode } from '../support/bencode.ts';
import { makeCertificate } from '../support/certificate.ts';
import { testWith } from '../support/installed.ts';
import { reservePort } from '../support/reserved-port.ts';
import { RunningProcess } from '../support/running-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { TrackerProcess } from '../support/tracker-process.ts';
import { until } from '../support/until.ts';

/** Where Debian has the module. */
const NGINX_STREAMS = '/usr/lib/nginx/modules/ngx_stream_module.so';

/** The files' own ports are taken for others, which are free. */
async function freePort(): Promise<number> {
  const { port, release } = await reservePort();
  onTestFinished(release);
  return port;
}

/** A tracker with a configuration of dist/, on ports of its own, which also tells clients their address. */
async function startTracker(path: string, http: object = {}): Promise<TrackerProcess> {
  const { chihaya } = parse(readFileSync(path, 'utf8'));
  const tracker = await TrackerProcess.start({
    ...chihaya,
    metrics_addr: '127.0.0.1:0',
    http: { ...chihaya.http, addr: '127.0.0.1:0', ...http },
    udp: { ...chihaya.udp, addr: '127.0.0.1:0' },
    prehooks: [{ name: 'external ip' }],
  });
  onTestFinished(() => tracker.stop());
  return tracker;
}

/** Of an infohash with every kind of byte that a proxy might change. */
const QUERY = `info_hash=%00%2F%2f%25%3F%26%20+%FF%0a${'a'.repeat(10)}&peer_id=-TR4050-abcdefghijkl&port=6881&uploaded=0&downloaded=0&left=1&compact=1`;

/** The answer to an announce from an address of this host. */
async function announce(origin: string, from: string): Promise<Map<string, Buffer>> {
  const body = await new Promise<Buffer>((resolve, reject) => {
    const ask = origin.startsWith('https:') ? getSecurely : get;
    const options = {
      agent: false,
      rejectUnauthorized: false,
      localAddress: from,
      // What a client claims is not to be believed.
      headers: { 'X-Real-IP': '198.51.100.1', 'X-Forwarded-For': '198.51.100.1' },
    };
    ask(`${origin}/announce?${QUERY}`, options, (response) => {
      response.toArray().then((chunks: Buffer[]) => resolve(Buffer.concat(chunks)), reject);
    }).on('error', reject);
  });
  const answer = bdecode(body) as Map<string, Buffer>;
  expect(answer.get('failure reason')?.toString()).toBeUndefined();
  return answer;
}

/** They are told so, and so are other peers of the swarm. */
async function expectClientsToBeKnown(http: number, https: number): Promise<void> {
  const first = await until('the proxy', () => announce(`http://127.0.0.1:${http}`, '127.0.0.2'));
  expect(first.get('external ip')).toEqual(Buffer.from([127, 0, 0, 2]));
  const second = await announce(`https://127.0.0.1:${https}`, '127.0.0.3');
  expect(second.get('external ip')).toEqual(Buffer.from([127, 0, 0, 3]));
  expect(second.get('peers')).toEqual(Buffer.from([127, 0, 0, 2, 0x1a, 0xe1]));
}

/** @param config what nginx.conf holds besides the process's own */
function startNginx(directory: string, config: string): void {
  const path = join(directory, 'nginx.conf');
  writeFileSync(path, `daemon off; pid ${directory}/pid; error_log stderr;\n${config}\nevents {}\n`);
  const nginx = new RunningProcess({ file: 'nginx', args: ['-e', 'stderr', '-c', path] });
  onTestFinished(() => nginx.stop());
}

function startHaproxy(directory: string, config: string): void {
  const path = join(directory, 'haproxy.cfg');
  writeFileSync(path, config);
  const haproxy = new RunningProcess({ file: 'haproxy', args: ['-db', '-f', path] });
  onTestFinished(() => haproxy.stop());
}

describe('a proxy that speaks HTTP', () => {
  testWith('nginx', 'behind nginx a client is known by its own address', async () => {
    const tracker = await startTracker('dist/behind-a-proxy.yaml');
    const directory = temporaryDirectory();
    const { certificate, key } = makeCertificate(directory, ['127.0.0.1']);
    const [http, https] = [await freePort(), await freePort()];
    const server = readFileSync('dist/nginx/chihaya.conf', 'utf8')
      .replace(/^ *listen \[::\].*\n/gm, '')
      .replace('listen 80;', `listen 127.0.0.1:${http};`)
      .replace('listen 443 ssl;', `listen 127.0.0.1:${https} ssl;`)
      .replace('127.0.0.1:6969', `127.0.0.1:${tracker.address('http').port}`)
      .replace('/etc/ssl/tracker/fullchain.pem', certificate)
      .replace('/etc/ssl/tracker/privkey.pem', key);
    const own = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (what) => `${what}_temp_path ${directory}/${what};`,
    );
    startNginx(directory, `http {\n${own.join('\n')}\n${server}\n}`);
    await expectClientsToBeKnown(http, https);
  });

  testWith('haproxy', 'behind HAProxy a client is known by its own address', async () => {
    const tracker = await startTracker('dist/behind-a-proxy.yaml');
    const directory = temporaryDirectory();
    const { certificate, key } = makeCertificate(directory, ['127.0.0.1']);
    writeFileSync(join(directory, 'both.pem'), readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'));
    const [http, https] = [await freePort(), await freePort()];
    const config = readFileSync('dist/haproxy/chihaya.cfg', 'utf8')
      .replace('bind :::80 v4v6', `bind 127.0.0.1:${http}`)
      .replace('bind :::443 v4v6', `bind 127.0.0.1:${https}`)
      .replace('/etc/haproxy/tracker.pem', join(directory, 'both.pem'))
      .replace('127.0.0.1:6969', `127.0.0.1:${tracker.address('http').port}`)
      .replace('port 6880', `port ${new URL(tracker.metrics as string).port}`);
    startHaproxy(directory, config);
    await expectClientsToBeKnown(http, https);
  });
});

describe('a proxy that passes TCP on, TLS and all', () => {
  async function startTrackerWithTls(directory: string): Promise<TrackerProcess> {
    const { certificate, key } = makeCertificate(directory, ['127.0.0.1']);
    return startTracker('dist/behind-a-tcp-proxy.yaml', {
      https_addr: '127.0.0.1:0',
      tls_cert_path: certificate,
      tls_key_path: key,
    });
  }

  const noStreams = !existsSync(NGINX_STREAMS);
  const name = 'behind nginx a client is known by its own address (PROXY protocol, version 1)';
  test.skipIf(noStreams)(noStreams ? `${name}: skipped, ${NGINX_STREAMS} is missing` : name, async () => {
    const directory = temporaryDirectory();
    const tracker = await startTrackerWithTls(directory);
    const [http, https] = [await freePort(), await freePort()];
    const stream = readFileSync('dist/nginx/chihaya-stream.conf', 'utf8')
      .replace(/^ *listen \[::\].*\n/gm, '')
      .replace('listen 80;', `listen 127.0.0.1:${http};`)
      .replace('listen 443;', `listen 127.0.0.1:${https};`)
      .replace('127.0.0.1:6969', `127.0.0.1:${tracker.address('http').port}`)
      .replace('127.0.0.1:6970', `127.0.0.1:${tracker.address('https').port}`);
    startNginx(directory, `load_module ${NGINX_STREAMS};\n${stream}`);
    await expectClientsToBeKnown(http, https);
  });

  for (const option of ['send-proxy', 'send-proxy-v2']) {
    testWith('haproxy', `behind HAProxy a client is known by its own address (${option})`, async () => {
      const directory = temporaryDirectory();
      const tracker = await startTrackerWithTls(directory);
      const [http, https] = [await freePort(), await freePort()];
      const config = readFileSync('dist/haproxy/chihaya-tcp.cfg', 'utf8')
        .replace('bind :::80 v4v6', `bind 127.0.0.1:${http}`)
        .replace('bind :::443 v4v6', `bind 127.0.0.1:${https}`)
        .replace('127.0.0.1:6969', `127.0.0.1:${tracker.address('http').port}`)
        .replace('127.0.0.1:6970', `127.0.0.1:${tracker.address('https').port}`)
        .replaceAll('port 6880', `port ${new URL(tracker.metrics as string).port}`)
        .replaceAll('send-proxy-v2', option);
      startHaproxy(directory, config);
      await expectClientsToBeKnown(http, https);
    });
  }
});
