/** What a tracker as a whole counts of what clients did to it. */

import { expect, onTestFinished, test } from 'vitest';
import { createTracker, type Tracker, type TrackerOptions } from '../../src/index.ts';
import { announcePacket, UdpClient } from '../support/udp-client.ts';

async function start(options: TrackerOptions): Promise<Tracker> {
  const tracker = await createTracker(options);
  onTestFinished(() => tracker.stop());
  return tracker;
}

async function open(tracker: Tracker): Promise<UdpClient> {
  const client = await UdpClient.open(port(tracker, 'udp'));
  onTestFinished(() => client.close());
  return client;
}

function port(tracker: Tracker, protocol: string): number {
  const address = tracker.addresses.find((each) => each.protocol === protocol);
  if (!address) throw new Error(`no ${protocol} is served`);
  return address.port;
}

/** The lines of a metric, without its name. */
async function lines(tracker: Tracker, name: string): Promise<string[]> {
  const text = await tracker.metrics();
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .map((line) => line.slice(name.length));
}

test('announces of all protocols count together, those refused do not', async () => {
  const tracker = await start({ http: { addr: '127.0.0.1:0' }, udp: { addr: '127.0.0.1:0' } });
  const client = await open(tracker);
  const connectionId = await client.connect();
  await client.ask(announcePacket({ connectionId, event: 2 }));
  await client.ask(announcePacket({ connectionId, event: 9 }));
  const announce = `http://127.0.0.1:${port(tracker, 'http')}/announce?info_hash=${'a'.repeat(20)}`;
  await fetch(`${announce}&peer_id=${'b'.repeat(20)}&port=1&left=1&uploaded=0&downloaded=0&event=started`);
  await fetch(announce);
  expect((await lines(tracker, 'chihaya_announces_total')).filter((line) => !line.endsWith(' 0'))).toEqual([
    '{event="started",address_family="IPv4"} 2',
  ]);
});

test.each([true, false])('hooks with request timing %s', async (enable_request_timing) => {
  const tracker = await start({
    udp: { addr: '127.0.0.1:0', enable_request_timing },
    prehooks: [{ name: 'client approval', options: { blacklist: ['XL0012'] } }],
  });
  const client = await open(tracker);
  const connectionId = await client.connect();
  await client.ask(announcePacket({ connectionId }));
  await client.ask(announcePacket({ connectionId, peerId: '-XL0012-abcdefghijkl' }));
  const calls = [
    '{stage="prehook",hook="client approval"} 2',
    '{stage="prehook",hook="response"} 1',
    '{stage="posthook",hook="swarm interaction"} 1',
  ];
  expect(await lines(tracker, 'chihaya_hook_calls_total')).toEqual(enable_request_timing ? calls : []);
});
