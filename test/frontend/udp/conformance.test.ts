import { createSocket } from 'node:dgram';
import { udpDriver } from '../../../src/frontend/udp/driver.ts';
import { formatIp } from '../../../src/pkg/ip-address.ts';
import {
  type AnnounceAnswer,
  describeFrontend,
  type FrontendClient,
  type ScrapeAnswer,
} from '../../conformance/frontend.ts';
import { announcePacket, connectPacket, scrapePacket } from '../../support/udp-client.ts';

/** A client whose calls may overlap: answers are told apart by their transaction ids. */
async function connect(port: number): Promise<FrontendClient> {
  const socket = createSocket('udp4');
  const waiting = new Map<number, (answer: Buffer) => void>();
  let transactions = 0;
  socket.on('message', (answer) => waiting.get(answer.readUInt32BE(4))?.(answer));
  const ask = (make: (transactionId: number) => Buffer) =>
    new Promise<Buffer>((resolve) => {
      const packet = make(++transactions);
      packet.writeUInt32BE(transactions, 12);
      waiting.set(transactions, resolve);
      socket.send(packet, port, '127.0.0.1');
    });
  const connectionId = (await ask(connectPacket)).subarray(8, 16);
  return {
    async announce({ infohash, ...rest }): Promise<AnnounceAnswer> {
      const answer = await ask(() =>
        announcePacket({ connectionId, infohash: Buffer.from(infohash, 'hex'), ...rest }),
      );
      if (answer.readUInt32BE(0) === 3) return { failure: answer.toString('latin1', 8, answer.length - 1) };
      const peers = [];
      for (let at = 20; at < answer.length; at += 6) {
        peers.push({ address: formatIp(answer, at, 4), port: answer.readUInt16BE(at + 4) });
      }
      return {
        interval: answer.readUInt32BE(8),
        minInterval: undefined,
        incomplete: answer.readUInt32BE(12),
        complete: answer.readUInt32BE(16),
        peers,
      };
    },
    async scrape(infohashes): Promise<ScrapeAnswer> {
      const answer = await ask(() =>
        scrapePacket(
          connectionId,
          infohashes.map((infohash) => Buffer.from(infohash, 'hex')),
        ),
      );
      if (answer.readUInt32BE(0) === 3) return { failure: answer.toString('latin1', 8, answer.length - 1) };
      const counts = (at: number) => ({
        complete: answer.readUInt32BE(at),
        downloaded: answer.readUInt32BE(at + 4),
        incomplete: answer.readUInt32BE(at + 8),
      });
      return { files: new Map(infohashes.map((infohash, i) => [infohash, counts(8 + 12 * i)])) };
    },
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

for (const socket of ['mmsg', 'dgram']) {
  describeFrontend(`UDP by ${socket}`, {
    metric: 'chihaya_udp_response_duration_milliseconds',
    driver: udpDriver,
    options: (port) => ({ addr: `127.0.0.1:${port}`, private_key: 'secret', socket }),
    connect: (frontend) => connect(frontend.addresses[0]?.port as number),
  });
}
