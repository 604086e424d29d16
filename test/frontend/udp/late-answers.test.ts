import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import type { AnnounceRequest, AnnounceResponse } from '../../../src/bittorrent/announce.ts';
import type { TrackerLogic } from '../../../src/bittorrent/tracker-logic.ts';
import { udpDriver } from '../../../src/frontend/udp/driver.ts';
import { silentLogger } from '../../../src/pkg/logger.ts';
import { announcePacket, UdpClient } from '../../support/udp-client.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const REQUESTS = 100;

// What the kernel is told to read must still be there: no garbage collector sees the addresses it is given.
it.each(['mmsg', 'dgram'])('answers that had to wait survive a garbage collection, by %s', async (socket) => {
  const waiting: (() => void)[] = [];
  let arrived: () => void = () => {};
  const all = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const logic: TrackerLogic = {
    handleAnnounce: (_context: unknown, request: AnnounceRequest, response: AnnounceResponse) =>
      new Promise<void>((resolve) => {
        waiting.push(() => {
          response.complete = Number(request.left);
          // Of URL data, which came in memory that the socket has used again since.
          response.incomplete = Number(request.params.get('n'));
          resolve();
        });
        if (waiting.length === REQUESTS) arrived();
      }),
    handleScrape() {},
    afterAnnounce() {},
    afterScrape() {},
  };
  const frontend = await udpDriver.open(
    udpDriver.options.parse({ addr: '127.0.0.1:0', private_key: 'secret', socket }),
    { logic, logger: silentLogger, metrics: { register() {} }, reusePort: false },
  );
  const client = await UdpClient.open(frontend.addresses[0]?.port as number);
  const connectionId = await client.connect();
  for (let i = 0; i < REQUESTS; i++) {
    const url = `/announce?n=${5000 + i}`;
    const options = Buffer.concat([Buffer.of(2, url.length), Buffer.from(url)]);
    await client.send(announcePacket({ connectionId, transactionId: i, left: BigInt(1000 + i), options }));
  }
  await all;
  collectGarbage();
  // Memory given back is used again.
  const junk = Array.from({ length: 2000 }, () => new Uint8Array(40).fill(0xff));
  for (const answer of waiting) answer();
  const answers = new Map<number, number[]>();
  for (let i = 0; i < REQUESTS; i++) {
    const answer = await client.receive();
    answers.set(answer.readUInt32BE(4), [answer.readUInt32BE(16), answer.readUInt32BE(12)]);
  }
  expect(junk).toHaveLength(2000);
  expect(answers).toEqual(new Map(Array.from({ length: REQUESTS }, (_, i) => [i, [1000 + i, 5000 + i]])));
  await frontend.stop();
  await client.close();
});
