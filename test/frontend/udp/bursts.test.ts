/** Answers to a burst of one client leave together; each is a datagram of its own all the same. */

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { MmsgSocket } from '../../../src/frontend/udp/socket/mmsg-socket.ts';
import type { PacketBatch } from '../../../src/frontend/udp/socket/socket.ts';
import { type Libc, loadLibc } from '../../../src/pkg/libc.ts';
import { until } from '../../support/until.ts';

const SOL_SOCKET = 1;
const SO_NO_CHECK = 11;
const EINVAL = 22;
const EIO = 5;

/** A request is the length of the answer it wants, and a number that fills the answer. */
const request = (length: number, fill: number) => Buffer.of(length >> 8, length & 255, fill);

function answer(batch: PacketBatch): void {
  for (let i = 0; i < batch.count; i++) {
    const at = batch.inputAt[i] as number;
    const length = ((batch.input[at] as number) << 8) | (batch.input[at + 1] as number);
    const to = batch.outputAt[i] as number;
    batch.output.fill(batch.input[at + 2] as number, to, to + length);
    batch.outputLengths[i] = length;
  }
}

const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((socket) => socket.close()));
});

/** A socket, and what each of its calls to send was given and returned. */
async function server(host: string | undefined, changes: Partial<Libc> = {}) {
  const libc = await loadLibc();
  const calls: [given: number, taken: number][] = [];
  const counting: Libc = {
    ...libc,
    ...changes,
    sendmmsg: (fd, headers, count, flags) => {
      const taken = libc.sendmmsg(fd, headers, count, flags);
      calls.push([count, taken]);
      return taken;
    },
  };
  const options = { receiveBuffer: 1 << 20, reusePort: false };
  const socket = await MmsgSocket.bind(counting, { host, port: 0 }, options);
  open.push(socket);
  return { libc, socket, calls, port: socket.address.port };
}

async function client(type: 'udp4' | 'udp6' = 'udp4') {
  const socket = createSocket(type);
  const received: [bytes: Buffer, from: string][] = [];
  socket.on('message', (bytes: Buffer, { address }: RemoteInfo) => received.push([bytes, address]));
  socket.bind(0);
  await once(socket, 'listening');
  open.push(socket);
  return { socket, received };
}

const send = (socket: Socket, packet: Buffer, port: number, host: string) =>
  new Promise<void>((resolve, reject) =>
    socket.send(packet, port, host, (error) => (error ? reject(error) : resolve())),
  );

const bytes = (length: number, fill: number) => Buffer.alloc(length, fill);

describe('answers that leave as one message', () => {
  it.each([
    ['all alike', [100, 100, 100, 100, 100], 1],
    ['a shorter one ends it', [100, 100, 60, 60], 2],
    ['the longest go first', [60, 100, 60, 80, 100, 20, 100], 2],
    ['one that is not answered is passed by', [100, 0, 100], 1],
    ['as long as any network carries', [1232, 1232], 1],
    ['longer than that', [1233, 100, 1233, 100], 3],
    ['more than a datagram holds', Array.from({ length: 64 }, () => 1232), 2],
    ['one alone', [100], 1],
  ])('%s', async (_name, lengths, messages) => {
    const { socket, calls, port } = await server('127.0.0.1');
    const { socket: from, received } = await client();
    // Before it is served, so that all come in one batch.
    for (const [i, length] of lengths.entries()) await send(from, request(length, i), port, '127.0.0.1');
    socket.serve(answer);
    const expected = lengths.map((length, i) => bytes(length, i)).filter(({ length }) => length > 0);
    // A sort is stable.
    expected.sort((a, b) => b.length - a.length);
    await until('the answers', () => received.length >= expected.length);
    expect(received.map(([packet]) => packet)).toEqual(expected);
    expect(calls).toEqual([[messages, messages]]);
  });

  it('to each of several clients', async () => {
    const { socket, calls, port } = await server('127.0.0.1');
    const [a, b] = [await client(), await client()];
    for (const [i, { socket: from }] of [a, a, b, b, b, a].entries())
      await send(from, request(50, i), port, '127.0.0.1');
    socket.serve(answer);
    await until('the answers', () => a.received.length >= 3 && b.received.length >= 3);
    expect(a.received.map(([packet]) => packet)).toEqual([bytes(50, 0), bytes(50, 1), bytes(50, 5)]);
    expect(b.received.map(([packet]) => packet)).toEqual([bytes(50, 2), bytes(50, 3), bytes(50, 4)]);
    expect(calls).toEqual([[3, 3]]);
  });

  it('over IPv6', async () => {
    const { socket, calls, port } = await server('::1');
    const { socket: from, received } = await client('udp6');
    for (let i = 0; i < 10; i++) await send(from, request(200, i), port, '::1');
    socket.serve(answer);
    await until('the answers', () => received.length >= 10);
    expect(received).toEqual(Array.from({ length: 10 }, (_, i) => [bytes(200, i), '::1']));
    expect(calls).toEqual([[1, 1]]);
  });

  it.each([
    ['udp4', undefined, '127.0.0.1', '127.0.0.2'],
    ['udp4', '0.0.0.0', '127.0.0.1', '127.0.0.2'],
  ] as const)('from the address asked, %s to a socket on %s', async (type, host, one, other) => {
    const { socket, calls, port } = await server(host);
    const { socket: from, received } = await client(type);
    for (const [i, to] of [one, one, other, other, one].entries())
      await send(from, request(100, i), port, to);
    socket.serve(answer);
    await until('the answers', () => received.length >= 5);
    expect(received).toEqual([one, one, other, other, one].map((address, i) => [bytes(100, i), address]));
    expect(calls).toEqual([[3, 3]]);
  });
});

describe('where the kernel does not cut messages up', () => {
  /** The kernel refuses to cut what is to be sent without checksums. */
  async function refusing(errno: number) {
    const real = await loadLibc();
    let fd = -1;
    const made = await server('127.0.0.1', {
      errno: () => errno,
      socket: (...call) => {
        fd = real.socket(...call);
        return fd;
      },
    });
    expect(made.libc.setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, Int32Array.of(1), 4)).toBe(0);
    return made;
  }

  it('the answers leave one by one', async () => {
    const { socket, calls, port } = await refusing(EINVAL);
    const [a, b] = [await client(), await client()];
    for (const [i, { socket: from }] of [b, a, a, a, b, b].entries())
      await send(from, request(100, i), port, '127.0.0.1');
    socket.serve(answer);
    await until('the answers', () => a.received.length >= 3 && b.received.length >= 3);
    expect(a.received.map(([packet]) => packet)).toEqual([bytes(100, 1), bytes(100, 2), bytes(100, 3)]);
    expect(b.received.map(([packet]) => packet)).toEqual([bytes(100, 0), bytes(100, 4), bytes(100, 5)]);
    // The first by itself; then three by themselves, then two.
    expect(calls).toEqual([
      [3, 1],
      [2, -1],
      [4, 3],
      [1, -1],
      [2, 2],
    ]);
  });

  it('for want of checksums, it is not tried again', async () => {
    const { socket, calls, port } = await refusing(EIO);
    const { socket: from, received } = await client();
    for (let i = 0; i < 3; i++) await send(from, request(100, i), port, '127.0.0.1');
    socket.serve(answer);
    await until('the answers', () => received.length >= 3);
    for (let i = 3; i < 6; i++) await send(from, request(100, i), port, '127.0.0.1');
    await until('the answers', () => received.length >= 6);
    expect(received.map(([packet]) => packet)).toEqual(Array.from({ length: 6 }, (_, i) => bytes(100, i)));
    expect(calls[0]).toEqual([1, -1]);
    expect(calls.slice(1).every(([given, taken]) => given === taken)).toBe(true);
  });

  it('as in kernels that have no such option, it is not tried at all', async () => {
    const UDP_SEGMENT = 103;
    const real = await loadLibc();
    const { socket, calls, port } = await server('127.0.0.1', {
      setsockopt: (fd, level, name, value, length) =>
        name === UDP_SEGMENT ? -1 : real.setsockopt(fd, level, name, value, length),
    });
    const { socket: from, received } = await client();
    for (let i = 0; i < 3; i++) await send(from, request(100, i), port, '127.0.0.1');
    socket.serve(answer);
    await until('the answers', () => received.length >= 3);
    expect(calls).toEqual([[3, 3]]);
  });
});
