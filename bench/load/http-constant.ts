/** What node:http can do: answers every request with the same 30 peers. Prints its port when it is ready. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { print } from '../support/print.ts';

const PEERS = Buffer.alloc(6 * 30, 7);
const BODY = Buffer.concat([
  Buffer.from('d8:completei15e10:incompletei15e8:intervali1800e12:min intervali900e5:peers180:'),
  PEERS,
  Buffer.from('e'),
]);

const server = createServer((_request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': BODY.length });
  response.end(BODY);
});
server.listen(0, '127.0.0.1', () => print(`ready ${(server.address() as AddressInfo).port}`));
