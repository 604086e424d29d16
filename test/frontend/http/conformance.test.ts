/** The HTTP frontend as any frontend, and the same over TLS. */

import { mkdtempSync, readFileSync } from 'node:fs';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventName } from '../../../src/bittorrent/event.ts';
import type { Frontend } from '../../../src/frontend/frontend.ts';
import { httpDriver } from '../../../src/frontend/http/driver.ts';
import { type ClientAnnounce, describeFrontend, type FrontendClient } from '../../conformance/frontend.ts';
import { type Bencoded, bdecode } from '../../support/bencode.ts';
import { makeCertificate } from '../../support/certificate.ts';

const { certificate, key } = makeCertificate(mkdtempSync(join(tmpdir(), 'chihaya-http-')), ['127.0.0.1']);

function escaped(hex: string): string {
  return hex.replace(/../g, '%$&');
}

class HttpClient implements FrontendClient {
  readonly #agent: HttpAgent;
  readonly #base: string;
  readonly #request: typeof httpRequest;

  constructor(frontend: Frontend) {
    const address = frontend.addresses[0];
    const secure = address?.protocol === 'https';
    this.#base = `${address?.protocol}://127.0.0.1:${address?.port}`;
    this.#request = secure ? httpsRequest : httpRequest;
    this.#agent = secure
      ? new HttpsAgent({ keepAlive: true, ca: readFileSync(certificate) })
      : new HttpAgent({ keepAlive: true });
  }

  async announce(announce: ClientAnnounce) {
    const { infohash, peerId, port, left, downloaded, uploaded, event, numwant } = announce;
    const answer = await this.#get(
      `/announce?info_hash=${escaped(infohash)}&peer_id=${peerId}&port=${port}&left=${left}&downloaded=${downloaded}` +
        `&uploaded=${uploaded}&event=${eventName(event)}&numwant=${numwant}&compact=1`,
    );
    if (answer.has('failure reason')) return { failure: String(answer.get('failure reason')) };
    const peers = answer.get('peers') as Buffer;
    return {
      complete: Number(answer.get('complete')),
      incomplete: Number(answer.get('incomplete')),
      interval: Number(answer.get('interval')),
      minInterval: Number(answer.get('min interval')),
      peers: Array.from({ length: peers.length / 6 }, (_, i) => ({
        address: peers.subarray(6 * i, 6 * i + 4).join('.'),
        port: peers.readUInt16BE(6 * i + 4),
      })),
    };
  }

  async scrape(infohashes: readonly string[]) {
    const answer = await this.#get(
      `/scrape?${infohashes.map((hex) => `info_hash=${escaped(hex)}`).join('&')}`,
    );
    if (answer.has('failure reason')) return { failure: String(answer.get('failure reason')) };
    const files = answer.get('files') as Map<string, Map<string, Bencoded>>;
    return {
      files: new Map(
        [...files].map(([raw, counts]) => [
          Buffer.from(raw, 'latin1').toString('hex'),
          {
            complete: Number(counts.get('complete')),
            downloaded: Number(counts.get('downloaded')),
            incomplete: Number(counts.get('incomplete')),
          },
        ]),
      ),
    };
  }

  async close() {
    this.#agent.destroy();
  }

  async #get(target: string): Promise<Map<string, Bencoded>> {
    const body = await new Promise<Buffer>((resolve, reject) => {
      this.#request(`${this.#base}${target}`, { agent: this.#agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () => resolve(Buffer.concat(chunks)));
      })
        .on('error', reject)
        .end();
    });
    return bdecode(body) as Map<string, Bencoded>;
  }
}

describeFrontend('http', {
  metric: 'chihaya_http_response_duration_milliseconds',
  driver: httpDriver,
  options: (port) => ({ addr: `127.0.0.1:${port}`, enable_keepalive: true }),
  connect: async (frontend) => new HttpClient(frontend),
});

describeFrontend('http through node:net', {
  metric: 'chihaya_http_response_duration_milliseconds',
  driver: httpDriver,
  options: (port) => ({ addr: `127.0.0.1:${port}`, enable_keepalive: true, socket: 'node' }),
  connect: async (frontend) => new HttpClient(frontend),
});

describeFrontend('http without keep-alive', {
  metric: 'chihaya_http_response_duration_milliseconds',
  driver: httpDriver,
  options: (port) => ({ addr: `127.0.0.1:${port}` }),
  connect: async (frontend) => new HttpClient(frontend),
});

describeFrontend('https', {
  metric: 'chihaya_http_response_duration_milliseconds',
  driver: httpDriver,
  options: (port) => ({
    https_addr: `127.0.0.1:${port}`,
    tls_cert_path: certificate,
    tls_key_path: key,
    enable_keepalive: true,
  }),
  connect: async (frontend) => new HttpClient(frontend),
});
