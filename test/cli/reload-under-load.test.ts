/** Ten reloads under load, and one with a broken file: no announce goes unanswered. At full rate: `npm run bench:reload`. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request, Agent as TlsAgent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeCertificate } from '../support/certificate.ts';
import { TrackerProcess } from '../support/tracker-process.ts';
import { announcePacket, UdpClient } from '../support/udp-client.ts';

const RELOADS = 10;
const UDP_CLIENTS = 8;
const HTTP_CLIENTS = 4;
const QUERY = `info_hash=${'a'.repeat(20)}&peer_id=-TR4050-abcdefghijkl&port=6881&uploaded=0&downloaded=0&left=1`;

/** What the clients were told, by interval: that of each configuration is another. */
class Answers {
  readonly intervals = new Map<number, number>();
  asked = 0;
  going = true;

  note(interval: number): void {
    this.intervals.set(interval, (this.intervals.get(interval) ?? 0) + 1);
  }

  get answered(): number {
    return [...this.intervals.values()].reduce((sum, count) => sum + count, 0);
  }
}

/** Announces again and again, each time with the answer; what is not answered fails. */
async function announceByUdp(port: number, answers: Answers): Promise<void> {
  const client = await UdpClient.open(port);
  const connectionId = await client.connect();
  for (let transactionId = 1; answers.going; transactionId++) {
    answers.asked++;
    const answer = await client.ask(announcePacket({ connectionId, transactionId }));
    expect([answer.readUInt32BE(0), answer.readUInt32BE(4)]).toEqual([1, transactionId]);
    answers.note(answer.readUInt32BE(8));
  }
  await client.close();
}

async function announceByHttp(url: string, answers: Answers): Promise<void> {
  while (answers.going) {
    answers.asked++;
    const text = await (await fetch(`${url}announce?${QUERY}`)).text();
    answers.note(Number(/8:intervali(\d+)e/.exec(text)?.[1]));
  }
}

/** A connection each, whose certificate is that of one of the configurations. */
async function announceByHttps(url: string, certificates: readonly Buffer[], answers: Answers) {
  while (answers.going) {
    answers.asked++;
    // Node trusts whatever is among these.
    const agent = new TlsAgent({ ca: [...certificates], keepAlive: false });
    const text = await new Promise<string>((resolve, reject) => {
      request(`${url}announce?${QUERY}`, { agent }, (response) => {
        let body = '';
        response.setEncoding('latin1').on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('end', () => resolve(body));
      })
        .on('error', reject)
        .end();
    });
    answers.note(Number(/8:intervali(\d+)e/.exec(text)?.[1]));
  }
}

describe.each(process.platform === 'linux' ? [1, 3] : [1])('with %d workers', (workers) => {
  test('every announce is answered, by the configurations in their turn', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'chihaya-reload-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const { certificate, key } = makeCertificate(directory, ['127.0.0.1']);
    const certificates = [readFileSync(certificate)];
    const config = (reloads: number) => ({
      workers,
      metrics_addr: '127.0.0.1:0',
      announce_interval: `${1000 + reloads}s`,
      http: {
        addr: '127.0.0.1:0',
        https_addr: '127.0.0.1:0',
        tls_cert_path: certificate,
        tls_key_path: key,
        max_numwant: 10 + reloads,
      },
      udp: { addr: '127.0.0.1:0', private_key: `key ${Math.floor(reloads / RELOADS)}` },
      prehooks: [{ name: 'client approval', options: { blacklist: [`XX${1000 + reloads}`] } }],
    });
    const tracker = await TrackerProcess.start(config(0));
    onTestFinished(() => tracker.stop());

    const answers = new Answers();
    const port = Number(tracker.address('udp').port);
    const clients = Promise.all([
      ...Array.from({ length: UDP_CLIENTS }, () => announceByUdp(port, answers)),
      ...Array.from({ length: HTTP_CLIENTS }, () => announceByHttp(tracker.address('http').href, answers)),
      announceByHttps(tracker.address('https').href, certificates, answers),
    ]);
    /** Until so many have been answered by a configuration. */
    const answeredBy = (reloads: number) =>
      expect.poll(() => answers.intervals.get(1000 + reloads) ?? 0).toBeGreaterThan(100);

    await answeredBy(0);
    for (let reloads = 1; reloads <= RELOADS; reloads++) {
      if (reloads === RELOADS / 2) {
        const broken = { ...config(99), announce_intervall: '99s' };
        expect((await tracker.reload(broken)).msg).toContain('1 mistake in the configuration');
      }
      makeCertificate(directory, ['127.0.0.1']);
      certificates.push(readFileSync(certificate));
      expect((await tracker.reload(config(reloads))).msg).toBe('reloaded');
      await answeredBy(reloads);
    }
    answers.going = false;
    await clients;
    expect(answers.answered).toBe(answers.asked);
    expect([...answers.intervals.keys()].toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: RELOADS + 1 }, (_, reloads) => 1000 + reloads),
    );
    const counted = (await (await fetch(tracker.metrics as string)).text())
      .split('\n')
      .filter((line) => /^chihaya_\w+_response_duration_milliseconds_count\{action="announce"/.test(line))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    expect(counted).toBe(answers.asked);
  });
});
