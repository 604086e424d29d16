/** nginx and HAProxy themselves, with the files of dist/, before a tracker. */

import { readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { get as getSecurely } from 'node:https';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { bdecode } from '../support/bencode.ts';
import { makeCertificate } from '../support/certificate.ts';
import { testWith } from '../support/installed.ts';
import { reservePort } from '../support/reserved-port.ts';
import { RunningProcess } from '../support/running-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { TrackerProcess } from '../support/tracker-process.ts';
import { until } from '../support/until.ts';

/** The files' own ports are taken for others, which are free. */
async function freePort(): Promise<number> {
  const { port, release } = await reservePort();
  onTestFinished(release);
  return port;
}

/** The tracker of dist/behind-a-proxy.yaml, which also tells clients their address. */
async function startTracker(): Promise<{ http: number; metrics: number }> {
  const { chihaya } = parse(readFileSync('dist/behind-a-proxy.yaml', 'utf8'));
  const tracker = await TrackerProcess.start({
    ...chihaya,
    metrics_addr: '127.0.0.1:0',
    http: { ...chihaya.http, addr: '127.0.0.1:0' },
    udp: { ...chihaya.udp, addr: '127.0.0.1:0' },
    prehooks: [{ name: 'external ip' }],
  });
  onTestFinished(() => tracker.stop());
  return {
    http: Number(tracker.address('http').port),
    metrics: Number(new URL(tracker.metrics as string).port),
  };
}

/** Of an infohash with every kind of byte that a proxy might change. */
const QUERY = `info_hash=%00%2F%2f%25%3F%26%20+%FF%0a${'a'.repeat(10)}&peer_id=-TR4050-abcdefghijkl&port=6881&uploaded=0&downloaded=0&left=1&compact=1`;

/** The address that the tracker knows the announcer by. */
async function addressTold(origin: string, from: string): Promise<string> {
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
  return [...(answer.get('external ip') ?? [])].join('.');
}

async function expectClientsToBeKnown(http: number, https: number): Promise<void> {
  await until('the proxy', () => addressTold(`http://127.0.0.1:${http}`, '127.0.0.2'));
  expect(await addressTold(`http://127.0.0.1:${http}`, '127.0.0.2')).toBe('127.0.0.2');
  expect(await addressTold(`https://127.0.0.1:${https}`, '127.0.0.3')).toBe('127.0.0.3');
}

testWith('nginx', 'behind nginx a client is known by its own address', async () => {
  const tracker = await startTracker();
  const directory = temporaryDirectory();
  const { certificate, key } = makeCertificate(directory, ['127.0.0.1']);
  const [http, https] = [await freePort(), await freePort()];
  const server = readFileSync('dist/nginx/chihaya.conf', 'utf8')
    .replace(/^ *listen \[::\].*\n/gm, '')
    .replace('listen 80;', `listen 127.0.0.1:${http};`)
    .replace('listen 443 ssl;', `listen 127.0.0.1:${https} ssl;`)
    .replace('127.0.0.1:6969', `127.0.0.1:${tracker.http}`)
    .replace('/etc/ssl/tracker/fullchain.pem', certificate)
    .replace('/etc/ssl/tracker/privkey.pem', key);
  const own = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (what) => `${what}_temp_path ${directory}/${what};`,
  );
  writeFileSync(
    join(directory, 'nginx.conf'),
    `daemon off; pid ${directory}/pid; error_log stderr;\nevents {}\nhttp {\n${own.join('\n')}\n${server}\n}\n`,
  );
  const nginx = new RunningProcess({
    file: 'nginx',
    args: ['-e', 'stderr', '-c', join(directory, 'nginx.conf')],
  });
  onTestFinished(() => nginx.stop());
  await expectClientsToBeKnown(http, https);
});

testWith('haproxy', 'behind HAProxy a client is known by its own address', async () => {
  const tracker = await startTracker();
  const directory = temporaryDirectory();
  const { certificate, key } = makeCertificate(directory, ['127.0.0.1']);
  writeFileSync(join(directory, 'both.pem'), readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'));
  const [http, https] = [await freePort(), await freePort()];
  const config = readFileSync('dist/haproxy/chihaya.cfg', 'utf8')
    .replace('bind :::80 v4v6', `bind 127.0.0.1:${http}`)
    .replace('bind :::443 v4v6', `bind 127.0.0.1:${https}`)
    .replace('/etc/haproxy/tracker.pem', join(directory, 'both.pem'))
    .replace('127.0.0.1:6969', `127.0.0.1:${tracker.http}`)
    .replace('port 6880', `port ${tracker.metrics}`);
  writeFileSync(join(directory, 'haproxy.cfg'), config);
  const haproxy = new RunningProcess({
    file: 'haproxy',
    args: ['-db', '-f', join(directory, 'haproxy.cfg')],
  });
  onTestFinished(() => haproxy.stop());
  await expectClientsToBeKnown(http, https);
});
