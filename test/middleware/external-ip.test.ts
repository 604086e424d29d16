import { expect, it, onTestFinished } from 'vitest';
import { createTracker } from '../../src/index.ts';
import { externalIpDriver } from '../../src/middleware/external-ip/driver.ts';
import { describeHook } from '../conformance/hook.ts';
import { announcePacket, UdpClient } from '../support/udp-client.ts';

describeHook(externalIpDriver, {
  valid: [{}],
  invalid: [{ options: [], path: '', message: /object/ }],
});

it('tells HTTP clients their address, and leaves UDP answers as they are', async () => {
  const tracker = await createTracker({
    http: { addr: '127.0.0.1:0' },
    udp: { addr: '127.0.0.1:0' },
    prehooks: [{ name: 'external ip' }],
  });
  onTestFinished(() => tracker.stop());
  const port = (protocol: string) => tracker.addresses.find((address) => address.protocol === protocol)?.port;
  const query = `info_hash=${'a'.repeat(20)}&peer_id=${'b'.repeat(20)}&port=6881&uploaded=0&downloaded=0&left=1&compact=1`;
  const answer = await fetch(`http://127.0.0.1:${port('http')}/announce?${query}`);
  expect(Buffer.from(await answer.arrayBuffer()).toString('latin1')).toBe(
    'd8:completei0e11:external ip4:\x7f\0\0\x0110:incompletei1e8:intervali1800e12:min intervali900e' +
      '5:peers6:\x7f\0\0\x01\x1a\xe1e',
  );
  const client = await UdpClient.open(port('udp') as number);
  onTestFinished(() => client.close());
  const packet = announcePacket({ connectionId: await client.connect(), port: 6882 });
  // Header, interval, leechers, seeders, and the one peer that there is.
  expect((await client.ask(packet)).toString('hex')).toBe(
    ['00000001', '01020304', '00000708', '00000001', '00000000', '7f000001', '1ae2'].join(''),
  );
});
