/** Limits on how often a source may ask, in a whole tracker: each worker has its own, and metrics tell of all. */

import { describe, expect, onTestFinished, test } from 'vitest';
import type { Tracker, TrackerOptions } from '../../src/index.ts';
import { builtCreateTracker } from '../support/supervised.ts';
import { announcePacket, UdpClient } from '../support/udp-client.ts';

const BURST = 5;

/** From so many ports, that one of three workers has fewer than five clients happens once in a thousand million times. */
const CLIENTS = 90;

const limited = { addr: '127.0.0.1:0', source_announce_rate: 1, source_burst: `${BURST}s` };

async function start(options: TrackerOptions): Promise<Tracker> {
  const tracker = await (await builtCreateTracker())(options);
  onTestFinished(() => tracker.stop());
  return tracker;
}

function port(tracker: Tracker): number {
  return tracker.addresses[0]?.port as number;
}

async function metric(tracker: Tracker, line: string): Promise<number> {
  const found = (await tracker.metrics()).split('\n').find((each) => each.startsWith(`${line} `));
  return Number(found?.slice(line.length));
}

/** How many requests one source may have had answered that has taken up so many bursts since `began`. */
function most(bursts: number, began: number): number {
  return bursts * (BURST + Math.ceil((performance.now() - began) / 1000));
}

describe.each(process.platform === 'linux' ? [1, 3] : [1])('of %i workers', (workers) => {
  test('each answers a source over UDP so often', async () => {
    const tracker = await start({ workers, udp: limited });
    const began = performance.now();
    let answered = 0;
    for (let i = 0; i < CLIENTS; i++) {
      const client = await UdpClient.open(port(tracker));
      const announce = announcePacket({ connectionId: await client.connect() });
      for (let n = 0; n < BURST; n++) if (!(await client.isIgnored(announce))) answered++;
      await client.close();
    }
    expect(answered).toBeGreaterThanOrEqual(workers * BURST);
    expect(answered).toBeLessThanOrEqual(most(workers, began));
    expect(await metric(tracker, 'chihaya_udp_dropped_packets_total{reason="announce_rate"}')).toBe(
      BURST * CLIENTS - answered,
    );
    expect(await metric(tracker, 'chihaya_rate_limit_sources{frontend="udp",limit="announces"}')).toBe(
      workers,
    );
  });

  test('each answers a source over HTTP so often', async () => {
    const tracker = await start({ workers, http: limited });
    const query = `info_hash=${'a'.repeat(20)}&peer_id=${'b'.repeat(20)}&port=6881&uploaded=0&downloaded=0&left=1`;
    const began = performance.now();
    let refused = 0;
    for (let i = 0; i < CLIENTS; i++) {
      const response = await fetch(`http://127.0.0.1:${port(tracker)}/announce?${query}`, {
        headers: { connection: 'close' },
      });
      expect(response.status).toBe(200);
      if ((await response.text()) === 'd14:failure reason17:too many requests8:retry ini1ee') refused++;
    }
    expect(CLIENTS - refused).toBeGreaterThanOrEqual(workers * BURST);
    expect(CLIENTS - refused).toBeLessThanOrEqual(most(workers, began));
    const name = 'chihaya_http_response_duration_milliseconds_count';
    expect(
      await metric(tracker, `${name}{action="announce",address_family="IPv4",error="too many requests"}`),
    ).toBe(refused);
    expect(await metric(tracker, 'chihaya_rate_limit_sources{frontend="http",limit="announces"}')).toBe(
      workers,
    );
  });
});
