/** How often a source may ask over UDP, over both sockets; time passes when the test says so. */

import { networkInterfaces } from 'node:os';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { TrackerLogic } from '../../../src/bittorrent/tracker-logic.ts';
import type { Frontend } from '../../../src/frontend/frontend.ts';
import { udpDriver } from '../../../src/frontend/udp/driver.ts';
import type { Metric } from '../../../src/pkg/metrics.ts';
import { MemoryLogger } from '../../support/memory-logger.ts';
import { announcePacket, connectPacket, scrapePacket, UdpClient } from '../../support/udp-client.ts';

const logic: TrackerLogic = {
  handleAnnounce() {},
  afterAnnounce() {},
  handleScrape() {},
  afterScrape() {},
};

const ipv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

const INFOHASH = Buffer.alloc(20, 0xaa);
const BAD_ID = Buffer.alloc(8, 0xbb);
const badAnnounce = announcePacket({ connectionId: BAD_ID });

describe.each(['mmsg', 'dgram'])('by %s', (socket) => {
  let frontend: Frontend;
  let metrics: Metric[];
  const clients: UdpClient[] = [];

  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: 1_767_225_600_000 }));

  afterEach(async () => {
    vi.useRealTimers();
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await frontend.stop();
  });

  const pass = (milliseconds: number) => vi.setSystemTime(Date.now() + milliseconds);

  function options(more: object) {
    return udpDriver.options.parse({ addr: '127.0.0.1:0', private_key: 'secret', socket, ...more });
  }

  async function open(more: object): Promise<void> {
    metrics = [];
    frontend = await udpDriver.open(options(more), {
      logic,
      logger: new MemoryLogger(),
      metrics: { register: (metric) => metrics.push(metric) },
      reusePort: false,
    });
  }

  async function client(from = '127.0.0.1'): Promise<UdpClient> {
    const opened = await UdpClient.open(frontend.addresses[0]?.port as number, '127.0.0.1', from);
    clients.push(opened);
    return opened;
  }

  /** Values other than 0 of a metric, by the values of its labels. */
  function counted(name: string): Record<string, number> {
    const samples = metrics.find((metric) => metric.name === name)?.collect() ?? [];
    return Object.fromEntries(
      samples
        .filter(({ value }) => value !== 0)
        .map(({ labels, value }) => [Object.values(labels).join(' '), value]),
    );
  }

  test('announces and scrapes count together, by source, and those over the limit are dropped', async () => {
    await open({ source_announce_rate: 1, source_burst: '3s' });
    const one = await client();
    const other = await client('127.0.0.2');
    const announce = announcePacket({ connectionId: await one.connect() });
    const scrape = scrapePacket(await one.connect(), [INFOHASH]);
    expect(await one.isIgnored(announce)).toBe(false);
    expect(await one.isIgnored(scrape)).toBe(false);
    expect(await one.isIgnored(announce)).toBe(false);
    expect(await one.isIgnored(announce)).toBe(true);
    expect(await one.isIgnored(scrape)).toBe(true);
    // Another port is the same source, another address is not.
    expect(await (await client()).isIgnored(announce)).toBe(true);
    expect(await other.isIgnored(announcePacket({ connectionId: await other.connect() }))).toBe(false);
    expect(counted('chihaya_udp_dropped_packets_total')).toEqual({ announce_rate: 3 });
    expect(counted('chihaya_rate_limit_sources')).toEqual({ 'udp announces': 2 });
    pass(1000);
    expect(await one.isIgnored(announce)).toBe(false);
    expect(await one.isIgnored(announce)).toBe(true);
    pass(10_000);
    expect(counted('chihaya_rate_limit_sources')).toEqual({});
  });

  test.skipIf(!ipv6)('over IPv6, and over a socket of both families', async () => {
    await open({ addr: '[::]:0', source_announce_rate: 1, source_burst: '2s' });
    for (const host of ['::1', '127.0.0.1']) {
      const one = await UdpClient.open(frontend.addresses[0]?.port as number, host);
      clients.push(one);
      const announce = announcePacket({ connectionId: await one.connect() });
      expect(await one.isIgnored(announce)).toBe(false);
      expect(await one.isIgnored(announce)).toBe(false);
      expect(await one.isIgnored(announce)).toBe(true);
    }
    expect(counted('chihaya_rate_limit_sources')).toEqual({ 'udp announces': 2 });
  });

  test('what is forged, or not understood, takes nothing from those that it names', async () => {
    await open({ source_announce_rate: 1, source_burst: '2s' });
    const one = await client();
    const connectionId = await one.connect();
    for (let i = 0; i < 50; i++) expect(await one.isIgnored(badAnnounce)).toBe(false);
    expect(await one.isIgnored(Buffer.alloc(12))).toBe(true);
    expect(await one.isIgnored(announcePacket({ connectionId }))).toBe(false);
    // A mistake with a good id is a request like any other.
    expect(await one.isIgnored(announcePacket({ connectionId, event: 9 }))).toBe(false);
    expect(await one.isIgnored(announcePacket({ connectionId }))).toBe(true);
  });

  test('connects over the limit are dropped; ids that were given stay good', async () => {
    await open({ source_connect_rate: 1, source_burst: '3s' });
    const one = await client();
    const connectionId = await one.connect();
    await one.connect();
    await one.connect();
    await one.send(connectPacket(77));
    // Answered in order: to the connect there is no answer.
    expect((await one.ask(announcePacket({ connectionId, transactionId: 78 }))).readUInt32BE(4)).toBe(78);
    expect(counted('chihaya_udp_dropped_packets_total')).toEqual({ connect_rate: 1 });
    expect(await (await client('127.0.0.2')).connect()).toHaveLength(8);
    expect(counted('chihaya_rate_limit_sources')).toEqual({ 'udp connects': 2 });
    pass(1000);
    expect(await one.connect()).toHaveLength(8);
  });

  test('a source of bad connection ids is no longer answered, until it shows a good one', async () => {
    await open({ source_bad_id_rate: 1, source_burst: '2s', source_ban_time: '10s' });
    const one = await client();
    expect((await one.ask(badAnnounce)).toString('latin1', 8)).toBe('bad connection ID\0');
    expect(await one.isIgnored(badAnnounce)).toBe(false);
    for (let i = 0; i < 5; i++) expect(await one.isIgnored(badAnnounce)).toBe(true);
    // It may have been forged: whoever really is there is served as ever.
    const connectionId = await one.connect();
    for (let i = 0; i < 5; i++) {
      expect((await one.ask(announcePacket({ connectionId }))).readUInt32BE(0)).toBe(1);
      expect((await one.ask(scrapePacket(connectionId, [INFOHASH]))).readUInt32BE(0)).toBe(2);
    }
    expect(await (await client('127.0.0.2')).isIgnored(badAnnounce)).toBe(false);
    expect(counted('chihaya_udp_bans_total')).toEqual({ '': 1 });
    expect(counted('chihaya_udp_dropped_packets_total')).toEqual({ banned: 5 });
    expect(counted('chihaya_udp_connection_ids_rejected_total')).toEqual({ '': 8 });
    expect(counted('chihaya_rate_limit_sources')).toEqual({ 'udp bad_ids': 2 });
    pass(9_999);
    expect(await one.isIgnored(badAnnounce)).toBe(true);
    pass(1_001);
    expect(await one.isIgnored(badAnnounce)).toBe(false);
    expect(counted('chihaya_udp_bans_total')).toEqual({ '': 1 });
  });

  test('without limits, as it ships, nothing is dropped and nobody remembered', async () => {
    await open({});
    const one = await client();
    const connectionId = await one.connect();
    for (let i = 0; i < 500; i++) {
      expect((await one.ask(announcePacket({ connectionId }))).readUInt32BE(0)).toBe(1);
      expect((await one.ask(badAnnounce)).readUInt32BE(0)).toBe(3);
    }
    expect(counted('chihaya_udp_dropped_packets_total')).toEqual({});
    expect(counted('chihaya_rate_limit_sources')).toEqual({});
  });

  test('a reload changes limits at once, forgets no source, and loses no packet', async () => {
    await open({ source_announce_rate: 1, source_burst: '3s' });
    const one = await client();
    const connectionId = await one.connect();
    const announce = (transactionId: number) => announcePacket({ connectionId, transactionId });
    const answered = async (count: number) => {
      let answers = 0;
      for (let i = 0; i < count; i++) if (!(await one.isIgnored(announce(i)))) answers++;
      return answers;
    };
    const change = async (more: object) => (await frontend.prepare(options(more), logic)).commit();
    expect(await answered(5)).toBe(3);
    await change({ source_announce_rate: 1, source_burst: '5s' });
    expect(await answered(5)).toBe(2);

    const prepared = await frontend.prepare(
      options({ source_announce_rate: 100, source_burst: '10s' }),
      logic,
    );
    // In the socket's buffer when the limit changes.
    const sent = Array.from({ length: 200 }, (_, i) => one.send(announce(i)));
    const committed = prepared.commit();
    await Promise.all([...sent, committed]);
    const seen = new Set<number>();
    for (let i = 0; i < 200; i++) seen.add((await one.receive()).readUInt32BE(4));
    expect(seen.size).toBe(200);

    await change({});
    expect(await answered(2_000)).toBe(2_000);
    await change({ source_announce_rate: 1, source_burst: '3s' });
    expect(await answered(5)).toBe(3);
  });
});
