import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AnnounceRequest, AnnounceResponse } from '../../../src/bittorrent/announce.ts';
import { ClientError } from '../../../src/bittorrent/client-error.ts';
import type { ScrapeRequest, ScrapeResponse } from '../../../src/bittorrent/scrape.ts';
import type { TrackerLogic } from '../../../src/bittorrent/tracker-logic.ts';
import type { Frontend } from '../../../src/frontend/frontend.ts';
import { udpDriver } from '../../../src/frontend/udp/driver.ts';
import { MemoryLogger } from '../../support/memory-logger.ts';
import { announce } from '../../support/requests.ts';
import { announcePacket, connectPacket, scrapePacket, UdpClient } from '../../support/udp-client.ts';

/** Answers with constants, and keeps what it was asked. */
class FixedLogic implements TrackerLogic {
  readonly announces: Record<string, unknown>[] = [];
  scraped: string[] = [];
  /** How many peers to return; their addresses count up from 10.0.0.1 or 2001:db8::1. */
  peers = 2;
  failure: unknown;

  handleAnnounce(_context: unknown, request: AnnounceRequest, response: AnnounceResponse): void {
    if (this.failure) throw this.failure;
    this.announces.push({
      infohash: request.infohash.hex,
      peerId: Buffer.from(request.peer.id).toString('latin1'),
      address: request.peer.address,
      port: request.peer.port,
      event: request.event,
      left: request.left,
      downloaded: request.downloaded,
      uploaded: request.uploaded,
      numwant: request.numwant,
      path: request.params.path,
      query: request.params.query,
      jwt: request.params.get('jwt'),
    });
    response.interval = 1800;
    response.complete = 3;
    response.incomplete = 5;
    for (let i = 1; i <= this.peers; i++) {
      const address = request.peer.family === 4 ? `10.0.${i >> 8}.${i & 255}` : `2001:db8::${i.toString(16)}`;
      response.peers.add(announce({ address, port: 6881 + i }).peer);
    }
  }

  handleScrape(_context: unknown, request: ScrapeRequest, response: ScrapeResponse): void {
    if (this.failure) throw this.failure;
    this.scraped = request.infohashes.map(({ hex }) => hex);
    for (const file of response.files) {
      file.complete = 7;
      file.snatches = 8;
      file.incomplete = 9;
    }
  }

  afterAnnounce(): void {}
  afterScrape(): void {}
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const errorText = (answer: Buffer) => {
  expect(answer.readUInt32BE(0)).toBe(3);
  expect(answer.at(-1)).toBe(0);
  return answer.toString('latin1', 8, answer.length - 1);
};

describe.each(['mmsg', 'dgram'])('UDP on the wire, by %s', (socket) => {
  let logic: FixedLogic;
  let logger: MemoryLogger;
  let frontend: Frontend;
  let client: UdpClient;
  let isOpen = false;
  let connectionId: Buffer;

  async function close(): Promise<void> {
    if (!isOpen) return;
    isOpen = false;
    await frontend.stop();
    await client.close();
  }

  async function open(options: object = {}, host = '127.0.0.1'): Promise<void> {
    await close();
    const addr = host.includes(':') ? `[${host}]:0` : `${host}:0`;
    frontend = await udpDriver.open(
      udpDriver.options.parse({ addr, private_key: 'secret', socket, ...options }),
      {
        logic,
        logger,
        metrics: { register() {} },
        reusePort: false,
      },
    );
    client = await UdpClient.open(
      frontend.addresses[0]?.port as number,
      host === '::' ? '::1' : host === '0.0.0.0' ? '127.0.0.1' : host,
    );
    isOpen = true;
    connectionId = await client.connect();
  }

  beforeEach(async () => {
    logic = new FixedLogic();
    logger = new MemoryLogger();
    await open();
  });

  afterEach(close);

  it('answers a connect with action, transaction id and a connection id', async () => {
    const before = Math.floor(Date.now() / 1000);
    const answer = await client.ask(connectPacket(0xdeadbeef));
    expect(hex(answer.subarray(0, 8))).toBe('00000000deadbeef');
    expect(answer).toHaveLength(16);
    const time = answer.readUInt32BE(8);
    expect(time).toBeGreaterThanOrEqual(before);
    expect(time).toBeLessThanOrEqual(before + 10);
  });

  it('does not answer a connect without the protocol id, nor packets under 16 bytes', async () => {
    const wrong = connectPacket(1);
    wrong[0] = 1;
    expect(await client.isIgnored(wrong)).toBe(true);
    for (let length = 0; length < 16; length++) {
      expect(await client.isIgnored(connectPacket(1).subarray(0, length))).toBe(true);
    }
  });

  it('answers an announce with interval, leechers, seeders and 6 bytes a peer', async () => {
    const answer = await client.ask(
      announcePacket({
        connectionId,
        transactionId: 0xcafebabe,
        infohash: Buffer.from('00112233445566778899aabbccddeeff00112233', 'hex'),
        peerId: '-qB4510-0123456789ab',
        left: 0x0000000100000002n,
        downloaded: 0xffffffffffffffffn,
        uploaded: 1n << 32n,
        event: 2,
        numwant: 7,
        port: 51413,
      }),
    );
    expect(hex(answer)).toBe(
      '00000001cafebabe' + // action, transaction id
        '00000708' + // interval: 1800
        '00000005' + // leechers
        '00000003' + // seeders
        '0a0000011ae2' + // 10.0.0.1:6882
        '0a0000021ae3', // 10.0.0.2:6883
    );
    expect(logic.announces).toEqual([
      {
        infohash: '00112233445566778899aabbccddeeff00112233',
        peerId: '-qB4510-0123456789ab',
        address: '127.0.0.1',
        port: 51413,
        event: 2,
        left: 0x0000000100000002n,
        downloaded: 0xffffffffffffffffn,
        uploaded: 1n << 32n,
        numwant: 7,
        path: '',
        query: '',
        jwt: undefined,
      },
    ]);
  });

  it('reads num_want as BEP 15 has it, within the limits', async () => {
    for (const [numwant, expected] of [
      [0xffffffff, 50],
      [0, 0],
      [100, 100],
      [101, 100],
      [0xfffffffe, 100],
    ]) {
      await client.ask(announcePacket({ connectionId, numwant: numwant as number }));
      expect(logic.announces.pop()).toMatchObject({ numwant: expected });
    }
  });

  it('returns as many peers as one unfragmented datagram holds', async () => {
    logic.peers = 500;
    const four = await client.ask(announcePacket({ connectionId }));
    expect(four).toHaveLength(20 + 242 * 6);
    await open({}, '::1');
    const six = await client.ask(announcePacket({ connectionId }));
    expect(six).toHaveLength(20 + 79 * 18);
    expect(six.length).toBeLessThanOrEqual(1452);
  });

  it('gives IPv6 peers 18 bytes, and answers action 4 with action 4', async () => {
    await open({}, '::1');
    logic.peers = 1;
    const one = await client.ask(announcePacket({ connectionId }));
    expect(hex(one.subarray(20))).toBe('20010db8000000000000000000000001' + '1ae2');
    expect(one.readUInt32BE(0)).toBe(1);
    const four = await client.ask(announcePacket({ connectionId, action: 4, port: 4321, numwant: 9 }));
    expect(hex(four)).toBe(
      '0000000401020304' + '00000708' + '00000005' + '00000003' + '20010db8000000000000000000000001' + '1ae2',
    );
    expect(logic.announces.pop()).toMatchObject({ address: '::1', port: 4321, numwant: 9 });
  });

  it('knows IPv4 clients of an IPv6 socket by their IPv4 addresses', async () => {
    await open({}, '::');
    const four = await UdpClient.open(frontend.addresses[0]?.port as number, '127.0.0.1');
    const answer = await four.ask(announcePacket({ connectionId: await four.connect() }));
    expect(answer).toHaveLength(20 + 2 * 6);
    expect(logic.announces.pop()).toMatchObject({ address: '127.0.0.1' });
    await four.close();
  });

  it('takes the announced address only where spoofing is allowed, and never zero', async () => {
    const ip = Uint8Array.of(203, 0, 113, 9);
    await client.ask(announcePacket({ connectionId, ip }));
    expect(logic.announces.pop()).toMatchObject({ address: '127.0.0.1' });
    await open({ allow_ip_spoofing: true });
    await client.ask(announcePacket({ connectionId, ip }));
    expect(logic.announces.pop()).toMatchObject({ address: '203.0.113.9' });
    await client.ask(announcePacket({ connectionId }));
    expect(logic.announces.pop()).toMatchObject({ address: '127.0.0.1' });
    const six = Buffer.from('20010db8000000000000000000000099', 'hex');
    const answer = await client.ask(announcePacket({ connectionId, action: 4, ip: six }));
    expect(logic.announces.pop()).toMatchObject({ address: '2001:db8::99' });
    expect(answer).toHaveLength(20 + 2 * 18);
  });

  it('hands the URL data of BEP 41 to hooks', async () => {
    const part = (text: string) => Buffer.concat([Buffer.of(2, text.length), Buffer.from(text)]);
    const options = Buffer.concat([
      Buffer.of(1),
      part('/announce?pass'),
      Buffer.of(1, 1),
      Buffer.of(9, 3, 0, 0, 0),
      part('key=k&jwt=a%2Bb'),
      Buffer.of(0),
      Buffer.from('ignored'),
    ]);
    await client.ask(announcePacket({ connectionId, options }));
    expect(logic.announces.pop()).toMatchObject({
      path: '/announce',
      query: 'passkey=k&jwt=a%2Bb',
      jwt: 'a+b',
    });
    await client.ask(announcePacket({ connectionId, options: part('/path/only') }));
    expect(logic.announces.pop()).toMatchObject({ path: '/path/only', query: '' });
  });

  it.each([
    ['a length past the end', Buffer.of(2, 5, 1, 2, 3, 4)],
    ['a length that is missing', Buffer.of(1, 2)],
    ['an unknown option past the end', Buffer.of(77, 2, 1)],
  ])('calls options malformed for %s', async (_what, options) => {
    expect(errorText(await client.ask(announcePacket({ connectionId, options })))).toBe('malformed packet');
  });

  it('refuses URL data with a broken escape', async () => {
    const options = Buffer.concat([Buffer.of(2, 7), Buffer.from('/a?b=%g')]);
    expect(errorText(await client.ask(announcePacket({ connectionId, options })))).toBe(
      'invalid query escape',
    );
  });

  it('answers a scrape in order: seeders, snatches, leechers', async () => {
    const infohashes = [Buffer.alloc(20, 2), Buffer.alloc(20, 1), Buffer.alloc(20, 2)];
    const answer = await client.ask(scrapePacket(connectionId, infohashes));
    expect(hex(answer)).toBe(`0000000201020304${'000000070000000800000009'.repeat(3)}`);
    expect(logic.scraped).toEqual(['02'.repeat(20), '01'.repeat(20), '02'.repeat(20)]);
  });

  it('cuts a scrape to max_scrape_infohashes, and to what a datagram holds', async () => {
    const many = Array.from({ length: 70 }, (_, i) => Buffer.alloc(20, i));
    expect(await client.ask(scrapePacket(connectionId, many))).toHaveLength(8 + 50 * 12);
    await open({ max_scrape_infohashes: 1000 });
    const most = Array.from({ length: 100 }, (_, i) => Buffer.alloc(20, i));
    expect(await client.ask(scrapePacket(connectionId, most))).toHaveLength(8 + 100 * 12);
  });

  it('tells clients their mistakes', async () => {
    const ask = async (packet: Buffer) => errorText(await client.ask(packet));
    const good = announcePacket({ connectionId });
    for (const length of [26, 36, 97]) expect(await ask(good.subarray(0, length))).toBe('malformed packet');
    const v6 = announcePacket({ connectionId, action: 4 });
    expect(await ask(v6.subarray(0, 109))).toBe('malformed packet');
    expect(await ask(announcePacket({ connectionId, event: 4 }))).toBe('malformed event ID');
    expect(await ask(announcePacket({ connectionId, event: 0x01000000 }))).toBe('malformed event ID');
    expect(await ask(announcePacket({ connectionId, port: 0 }))).toBe('invalid port');
    expect(await ask(scrapePacket(connectionId, []))).toBe('malformed packet');
    expect(await ask(scrapePacket(connectionId, [Buffer.alloc(19)]))).toBe('malformed packet');
    for (const action of [3, 5, 0xffffffff]) {
      good.writeUInt32BE(action, 8);
      expect(await ask(good)).toBe('unknown action ID');
    }
  });

  it('refuses other connection ids, but never with more than it was sent', async () => {
    const forged = Buffer.from(connectionId);
    forged[7] = (forged[7] as number) ^ 1;
    const packet = announcePacket({ connectionId: forged });
    expect(errorText(await client.ask(packet))).toBe('bad connection ID');
    expect(errorText(await client.ask(packet.subarray(0, 26)))).toBe('bad connection ID');
    for (let length = 16; length < 26; length++) {
      expect(await client.isIgnored(packet.subarray(0, length))).toBe(true);
    }
    const elsewhere = await UdpClient.open(frontend.addresses[0]?.port as number, '127.0.0.1', '127.0.0.2');
    expect(errorText(await elsewhere.ask(announcePacket({ connectionId })))).toBe('bad connection ID');
    await elsewhere.close();
  });

  it('hides what is not the client’s fault, and logs it', async () => {
    logic.failure = new Error('the database password is hunter2');
    expect(errorText(await client.ask(announcePacket({ connectionId })))).toBe('internal server error');
    expect(errorText(await client.ask(scrapePacket(connectionId, [Buffer.alloc(20)])))).toBe(
      'internal server error',
    );
    // The same again within the second is not logged again.
    await client.ask(announcePacket({ connectionId }));
    await client.ask(announcePacket({ connectionId }));
    const errors = () => logger.lines.filter(({ level }) => level === 'error');
    expect(errors().map(({ message }) => message)).toEqual([
      'UDP announce failed',
      'UDP scrape failed',
      'UDP announce failed',
    ]);
    logic.failure = new ClientError('unapproved torrent');
    expect(errorText(await client.ask(announcePacket({ connectionId })))).toBe('unapproved torrent');
    expect(errors()).toHaveLength(3);
  });

  it.runIf(socket === 'mmsg')('answers from the address that was asked', async () => {
    for (const host of ['0.0.0.0', '::']) {
      await open({}, host);
      for (const address of ['127.0.0.5', '127.0.1.9']) {
        const asker = createSocket('udp4');
        asker.bind(0, '127.0.0.1');
        await once(asker, 'listening');
        asker.send(connectPacket(1), frontend.addresses[0]?.port as number, address);
        const [, from] = await once(asker, 'message');
        expect(from.address).toBe(address);
        asker.close();
      }
    }
  });

  it('says which address cannot be bound', async () => {
    const again = udpDriver.open(
      udpDriver.options.parse({ socket, addr: `127.0.0.1:${frontend.addresses[0]?.port}` }),
      {
        logic,
        logger,
        metrics: { register() {} },
        reusePort: false,
      },
    );
    await expect(again).rejects.toThrow(/cannot bind UDP 127\.0\.0\.1:\d+: .*EADDRINUSE/);
  });

  it('warns of a missing key and of the example’s, and never shows one', async () => {
    await open({ private_key: '' });
    await open({ private_key: 'paste a random string here that will be used to hmac connection IDs' });
    expect(logger.lines.filter(({ level }) => level === 'warn')).toHaveLength(2);
  });
});
