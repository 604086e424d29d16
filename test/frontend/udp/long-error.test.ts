import { expect, it } from 'vitest';
import { ClientError } from '../../../src/bittorrent/client-error.ts';
import type { TrackerLogic } from '../../../src/bittorrent/tracker-logic.ts';
import { udpDriver } from '../../../src/frontend/udp/driver.ts';
import { silentLogger } from '../../../src/pkg/logger.ts';
import { announcePacket, UdpClient } from '../../support/udp-client.ts';

// A hook of somebody's own may fail with any text: it must fit the datagram, and never reach beyond its slot.
it.each([
  ['mmsg', false],
  ['mmsg', true],
  ['dgram', false],
  ['dgram', true],
])('cuts the text of an error to one datagram, by %s, waiting: %s', async (socket, waits) => {
  const error = new ClientError('x'.repeat(3000));
  const logic: TrackerLogic = {
    handleAnnounce() {
      if (waits) return Promise.reject(error);
      throw error;
    },
    handleScrape() {},
    afterAnnounce() {},
    afterScrape() {},
  };
  const frontend = await udpDriver.open(
    udpDriver.options.parse({ addr: '127.0.0.1:0', private_key: 'secret', socket }),
    { logic, logger: silentLogger, metrics: { register() {} }, reusePort: false },
  );
  const client = await UdpClient.open(frontend.addresses[0]?.port as number);
  const answer = await client.ask(announcePacket({ connectionId: await client.connect() }));
  expect(answer.toString('latin1', 8)).toBe(`${'x'.repeat(1472 - 9)}\0`);
  await frontend.stop();
  await client.close();
});
