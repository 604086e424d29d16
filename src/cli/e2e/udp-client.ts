/** A UDP client of one tracker at one address (BEP 15). */

import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import type { Target } from './targets.ts';
import { compactPeers, LEFT, type TrackerClient, UnreachableError } from './tracker-client.ts';

const CONNECT = 0;
const ANNOUNCE = 1;
const SCRAPE = 2;
const FAILURE = 3;
const PROTOCOL = Buffer.from('0000041727101980', 'hex');
const EVENTS = { none: 0, started: 2, stopped: 3 } as const;

/** How long each try waits, in milliseconds. BEP 15's 15 s and more is for clients that have all day. */
const TRIES = [1_000, 2_000, 4_000];

export function createUdpClient({ url, address, family }: Target): TrackerClient {
  const port = Number(url.port);
  /** With a connection id of its own each time: a delay may be longer than one is valid. */
  const ask = async (action: number, body: Buffer): Promise<Buffer> => {
    const socket = await openSocket(address, port, family);
    try {
      const connected = await exchange(socket, CONNECT, PROTOCOL, Buffer.alloc(0));
      return await exchange(socket, action, connected.subarray(8, 16), body);
    } finally {
      socket.close();
    }
  };
  return {
    knowsFullForm: false,
    async announce({ infohash, peerId, port: peerPort, event }) {
      const body = Buffer.alloc(82);
      infohash.copy(body, 0);
      peerId.copy(body, 20);
      body.writeBigUInt64BE(BigInt(LEFT), 48);
      body.writeUInt32BE(EVENTS[event], 64);
      body.writeInt32BE(50, 76);
      body.writeUInt16BE(peerPort, 80);
      const answer = await ask(ANNOUNCE, body);
      const peers = compactPeers(answer.subarray(20), family);
      return { incomplete: answer.readUInt32BE(12), complete: answer.readUInt32BE(16), peers };
    },
    async scrape(infohash) {
      const answer = await ask(SCRAPE, infohash);
      return { complete: answer.readUInt32BE(8), incomplete: answer.readUInt32BE(16) };
    },
  };
}

type Socket = ReturnType<typeof createSocket>;

/** A connected socket: the system tells it when nobody listens there. */
async function openSocket(address: string, port: number, family: 4 | 6): Promise<Socket> {
  const socket = createSocket(family === 4 ? 'udp4' : 'udp6');
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => reject(new UnreachableError(error.message, { cause: error })));
    socket.connect(port, address, () => resolve(socket.removeAllListeners('error')));
  });
}

/** The answer to a request, which is sent again if it stays away. */
async function exchange(socket: Socket, action: number, connectionId: Buffer, body: Buffer): Promise<Buffer> {
  const transaction = randomBytes(4);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(action, 0);
  transaction.copy(head, 4);
  const packet = Buffer.concat([connectionId, head, body]);
  for (const wait of TRIES) {
    const answer = await answerTo(socket, packet, transaction, wait);
    if (!answer) continue;
    if (answer.readUInt32BE(0) === FAILURE) {
      throw new Error(`the tracker refused: ${answer.toString('utf8', 8).replace(/\0+$/, '')}`);
    }
    const least = action === CONNECT ? 16 : 20;
    if (answer.readUInt32BE(0) !== action || answer.length < least) {
      throw new Error(`expected an answer to action ${action} of ${least} bytes or more, found another`);
    }
    return answer;
  }
  const seconds = TRIES.reduce((sum, wait) => sum + wait, 0) / 1000;
  throw new UnreachableError(`no answer to ${TRIES.length} packets in ${seconds} s`);
}

/** `undefined` if none comes in time. */
function answerTo(
  socket: Socket,
  packet: Buffer,
  transaction: Buffer,
  wait: number,
): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      clearTimeout(timer);
      socket.removeAllListeners('message').removeAllListeners('error');
    };
    const timer = setTimeout(() => {
      settle();
      resolve(undefined);
    }, wait);
    socket.on('message', (answer) => {
      if (answer.length < 8 || !answer.subarray(4, 8).equals(transaction)) return;
      settle();
      resolve(answer);
    });
    socket.on('error', (error) => {
      settle();
      reject(new UnreachableError(error.message, { cause: error }));
    });
    socket.send(packet);
  });
}
