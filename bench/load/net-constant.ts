/**
 * What node:net can do: answers whatever comes with the same 30 peers, and reads no more of it than whether the
 * connection is to be kept. No server over Node's sockets can be faster. Prints its port when it is ready.
 */

import { type AddressInfo, createServer } from 'node:net';
import { print } from '../support/print.ts';

const BODY = Buffer.concat([
  Buffer.from('d8:completei15e10:incompletei15e8:intervali1800e12:min intervali900e5:peers180:'),
  Buffer.alloc(6 * 30, 7),
  Buffer.from('e'),
]);
const ANSWER = Buffer.concat([
  Buffer.from(
    'HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n' +
      `Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${BODY.length}\r\n\r\n`,
  ),
  BODY,
]);

/** How a request of the generator ends that is its connection's last. */
const LAST = Buffer.from('close\r\n\r\n');

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', (bytes) => {
    if (bytes.subarray(-LAST.length).equals(LAST)) socket.end(ANSWER);
    else socket.write(ANSWER);
  });
  socket.on('error', () => {});
});
server.listen(0, '127.0.0.1', () => print(`ready ${(server.address() as AddressInfo).port}`));
