/** The header fields that hooks see, whatever way the bytes took. */

import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { RequestContext } from '../../../src/bittorrent/context.ts';
import { FixedLogic, get, nextRound, QUERY, RawClient, roundTrip, type Served, serve } from './support.ts';

let served: Served;
afterEach(() => served.frontend.stop());

/** Serves with a logic that notes what `names` are in each request. */
async function noting(names: readonly string[], keepAlive = false): Promise<(string | undefined)[]> {
  const seen: (string | undefined)[] = [];
  const logic = new FixedLogic();
  const note = (_request: unknown, { headers }: RequestContext) => {
    for (const name of names) seen.push(headers.get(name));
  };
  logic.onAnnounce = note;
  logic.onScrape = note;
  served = await serve({ enable_keepalive: keepAlive }, logic);
  return seen;
}

test('are found by name without case, the first of a name, trimmed', async () => {
  const seen = await noting([
    'authorization',
    'X-Token',
    'x-tok',
    'x-token-more',
    'x-empty',
    'x-utf',
    'none',
  ]);
  const fields = [
    'AUTHORIZATION: Bearer  abc',
    'x-token: \t one two \t',
    'X-Token: other',
    'X-Empty:',
    'x-utf: \xe4',
  ];
  await roundTrip(served.port, get(`/announce?${QUERY}`, ...fields));
  await roundTrip(served.port, get(`/scrape?${QUERY}`, ...fields));
  const once = ['Bearer  abc', 'one two', undefined, undefined, '', 'ä', undefined];
  expect(seen).toEqual([...once, ...once]);
});

test('are no part of the request line, nor of the next request', async () => {
  const seen = await noting(['get /announce?x', 'x-token', 'host'], true);
  const client = await RawClient.tcp(served.port);
  client.write(
    get(`/announce?${QUERY}`) + get(`/announce?${QUERY}`, 'X-Token: second') + get(`/announce?${QUERY}`),
  );
  await client.answers(3);
  expect(seen).toEqual([
    ...[undefined, undefined, 'tracker.example'],
    ...[undefined, 'second', 'tracker.example'],
    ...[undefined, undefined, 'tracker.example'],
  ]);
  client.close();
});

test('are the same when they come byte by byte', async () => {
  const seen = await noting(['x-token', 'x-last'], true);
  const client = await RawClient.tcp(served.port);
  for (const byte of `\r\n${get(`/announce?${QUERY}`, 'X-Token: one', 'X-Last: two')}`) {
    client.write(byte);
    await nextRound();
  }
  await client.answers(1);
  expect(seen).toEqual(['one', 'two']);
  client.close();
});

test('stay what they were while a hook waits and other bytes come in', async () => {
  const logic = new FixedLogic();
  const seen: (string | undefined)[] = [];
  logic.onAnnounce = async (_request, { headers }) => {
    await wait(20);
    seen.push(headers.get('x-token'));
  };
  served = await serve({ enable_keepalive: true }, logic);
  const client = await RawClient.tcp(served.port);
  client.write(get(`/announce?${QUERY}`, 'X-Token: one'));
  await nextRound();
  client.write(get(`/announce?${QUERY}`, 'X-Token: two'));
  await client.answers(2);
  expect(seen).toEqual(['one', 'two']);
  client.close();
});

test('there are none in a context that is used again', async () => {
  served = await serve();
  const context = new RequestContext();
  context.headers.assign(Buffer.from('X-Token: one\r\n\r\n'), 0, 16);
  expect(context.headers.get('x-token')).toBe('one');
  context.reset();
  expect(context.headers.get('x-token')).toBeUndefined();
});
