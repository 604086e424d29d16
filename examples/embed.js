/**
 * A tracker inside another program: with a hook of its own, read and stopped from outside.
 *
 *     npm install chihaya
 *     node embed.js
 */

import {
  AddressFamily,
  ClientError,
  ContextKey,
  createTracker,
  defineHook,
  Infohash,
  SwarmCounts,
  z,
} from 'chihaya';

const tooMuch = new ClientError('this tracker serves small torrents only');

/** Left for hooks that run after the answer. */
const size = new ContextKey('size');

const smallTorrents = defineHook({
  name: 'small torrents',
  summary: 'Refuses torrents of which more is left to download than a limit.',
  options: z.strictObject({ most_bytes: z.int().positive() }),
  create({ most_bytes }) {
    return {
      handleAnnounce(context, request) {
        context.set(size, request.left);
        if (request.left > BigInt(most_bytes)) throw tooMuch;
      },
      handleScrape() {},
    };
  },
});

// Port 0 asks the system for a free one: a program that clients are to find names its own.
const tracker = await createTracker(
  {
    http: { addr: '127.0.0.1:0' },
    udp: { addr: '127.0.0.1:0' },
    prehooks: [{ name: 'small torrents', options: { most_bytes: 1_000_000 } }],
  },
  { hookDrivers: [smallTorrents] },
);
for (const { protocol, host, port } of tracker.addresses) {
  process.stdout.write(`serving ${protocol}://${host}:${port}\n`);
}

const { port } = tracker.addresses[0];
const announce = (left) =>
  `http://127.0.0.1:${port}/announce?info_hash=${'a'.repeat(20)}&peer_id=${'b'.repeat(20)}` +
  `&port=6881&uploaded=0&downloaded=0&left=${left}`;

for (const left of [1_000, 2_000_000]) {
  const response = await fetch(announce(left));
  process.stdout.write(`${left} bytes left: ${await response.text()}\n`);
}

const swarm = new SwarmCounts();
await tracker.store.scrapeSwarm(Infohash.fromHex('61'.repeat(20)), AddressFamily.IPv4, swarm);
process.stdout.write(`leechers: ${swarm.incomplete}\n`);
const metrics = await tracker.metrics();
process.stdout.write(
  `${metrics.split('\n').find((line) => line.startsWith('chihaya_http_requests_total'))}\n`,
);

await tracker.stop();
