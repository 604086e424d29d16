/** What is changed while the UDP frontend runs. */

import { afterEach, describe, expect, test } from 'vitest';
import type { TrackerLogic } from '../../../src/bittorrent/tracker-logic.ts';
import type { Frontend } from '../../../src/frontend/frontend.ts';
import { udpDriver } from '../../../src/frontend/udp/driver.ts';
import { MemoryLogger } from '../../support/memory-logger.ts';
import { announcePacket, connectPacket, UdpClient } from '../../support/udp-client.ts';

const logic: TrackerLogic = {
  handleAnnounce() {},
  afterAnnounce() {},
  handleScrape() {},
  afterScrape() {},
};

let frontend: Frontend;
afterEach(() => frontend.stop());

describe.each(['mmsg', 'dgram'])('by %s', (socket) => {
  let logger: MemoryLogger;

  function options(more: object) {
    return udpDriver.options.parse({ addr: '127.0.0.1:0', socket, ...more });
  }

  async function open(more: object = {}): Promise<void> {
    logger = new MemoryLogger();
    frontend = await udpDriver.open(options(more), {
      logic,
      logger,
      metrics: { register() {} },
      reusePort: false,
    });
  }

  async function change(more: object): Promise<void> {
    const prepared = await frontend.prepare(options(more), logic);
    await prepared.commit();
  }

  const port = () => frontend.addresses[0]?.port as number;
  const action = (answer: Buffer) => answer.readUInt32BE(0);

  test('a private key: ids of the one before stay good, those of the one before that do not', async () => {
    await open({ private_key: 'first' });
    const client = await UdpClient.open(port());
    const first = await client.connect();
    await change({ private_key: 'second' });
    const second = await client.connect();
    expect(second).not.toEqual(first);
    expect(action(await client.ask(announcePacket({ connectionId: first })))).toBe(1);
    expect(action(await client.ask(announcePacket({ connectionId: second })))).toBe(1);
    // A reload of anything else forgets nothing.
    await change({ private_key: 'second', max_numwant: 5 });
    expect(action(await client.ask(announcePacket({ connectionId: first })))).toBe(1);
    await change({ private_key: 'third' });
    expect(action(await client.ask(announcePacket({ connectionId: first })))).toBe(3);
    expect(action(await client.ask(announcePacket({ connectionId: second })))).toBe(1);
    await client.close();
  });

  test('a random key stays, and is warned of once', async () => {
    await open();
    const client = await UdpClient.open(port());
    const connectionId = await client.connect();
    for (const max_numwant of [5, 6, 7]) await change({ max_numwant });
    expect(action(await client.ask(announcePacket({ connectionId })))).toBe(1);
    expect(logger.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    await client.close();
  });

  test('no address, and one again', async () => {
    await open({ private_key: 'secret' });
    await change({ addr: '' });
    expect(frontend.addresses).toEqual([]);
    expect(logger.lines.map(({ message }) => message)).toContain('udp.addr is not set: UDP is not served');
    await change({ private_key: 'secret' });
    const client = await UdpClient.open(port());
    expect(await client.connect()).toHaveLength(8);
    await client.close();
  });

  test('an address that is given up: packets that have come are answered', async () => {
    await open({ private_key: 'secret' });
    const client = await UdpClient.open(port());
    const connectionId = await client.connect();
    const prepared = await frontend.prepare(options({ addr: '127.0.0.2:0', private_key: 'secret' }), logic);
    // In the socket's buffer when the commit begins: nothing has been read since.
    const sent = Array.from({ length: 200 }, (_, transactionId) =>
      client.send(announcePacket({ connectionId, transactionId })),
    );
    const committed = prepared.commit();
    await Promise.all(sent);
    const answered = new Set<number>();
    for (let i = 0; i < 200; i++) answered.add((await client.receive()).readUInt32BE(4));
    expect(answered.size).toBe(200);
    await committed;
    const newcomer = await UdpClient.open(port(), '127.0.0.2');
    expect(await newcomer.ask(connectPacket(7))).toHaveLength(16);
    await newcomer.close();
    await client.close();
  });
});
