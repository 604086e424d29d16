/**
 * What the batched socket can do: answers every connect and every announce with the same bytes, those of 30
 * peers, and does no work. No tracker behind one UDP socket can be faster. Prints its port when it is ready.
 */

import { ACTION, Action, ANSWER_TRANSACTION_ID, TRANSACTION_ID } from '../../src/frontend/udp/packet.ts';
import { openSocket } from '../../src/frontend/udp/socket/open-socket.ts';
import type { PacketBatch } from '../../src/frontend/udp/socket/socket.ts';
import { readUint32, writeUint32 } from '../../src/pkg/bytes.ts';
import { silentLogger } from '../../src/pkg/logger.ts';
import { print } from '../support/print.ts';

const LENGTHS = new Map<number, number>([
  [Action.Connect, 16],
  [Action.Announce, 20 + 6 * 30],
]);

function answer(batch: PacketBatch): void {
  for (let i = 0; i < batch.count; i++) {
    const from = batch.inputAt[i] as number;
    const to = batch.outputAt[i] as number;
    const action = readUint32(batch.input, from + ACTION);
    writeUint32(batch.output, to, action);
    writeUint32(batch.output, to + ANSWER_TRANSACTION_ID, readUint32(batch.input, from + TRANSACTION_ID));
    batch.outputLengths[i] = LENGTHS.get(action) ?? 0;
  }
}

const socket = await openSocket(
  { host: '127.0.0.1', port: 0 },
  { kind: 'auto', receiveBuffer: 8 << 20, reusePort: false },
  silentLogger,
);
socket.serve(answer);
print(`ready ${socket.address.port}`);
