/** Options of the UDP frontend (`udp`). */

import { z } from 'zod';
import { choice, count, duration, limit, listenAddress, text } from '../../pkg/options.ts';
import { requestOptions } from '../request-options.ts';
import { SOCKET_KINDS } from './socket/open-socket.ts';

/** What stands in the example file in place of a key. Everybody knows it, so it counts as none. */
export const PLACEHOLDER_KEY = 'paste a random string here that will be used to hmac connection IDs';

export const udpOptions = z.strictObject({
  addr: listenAddress('The address that the UDP socket is bound to.', { example: '0.0.0.0:6969' }),
  max_clock_skew: duration(
    '10s',
    'How far ahead of the clock a connection ID may be: by how much the clocks of trackers that share a `private_key` may differ.',
  ),
  private_key: text(
    "The secret that connection IDs are made with. Trackers that share it accept each other's IDs. Without it, each start makes a random one.",
    { secret: true, example: PLACEHOLDER_KEY },
  ),
  socket: choice(
    SOCKET_KINDS,
    'auto',
    'How packets are moved: `mmsg` in batches (Linux), `dgram` one by one, `auto` the first if the system has it.',
    { fixed: true },
  ),
  receive_buffer: count(
    8_388_608,
    'Bytes of packets that the kernel keeps while the tracker is busy. Beyond `net.core.rmem_max` it takes root.',
    { fixed: true },
  ),
  ...requestOptions,
  source_connect_rate: limit('Most connects a second that each worker answers to one source.'),
  source_bad_id_rate: limit(
    'Most requests a second with a bad connection ID that each worker takes from one source; after more, none of them is answered for `source_ban_time`.',
  ),
  source_ban_time: duration(
    '1m',
    'How long a source that has sent too many bad connection IDs gets no answer to more of them; with a good one it is served.',
  ),
});

export type UdpOptions = z.output<typeof udpOptions>;
