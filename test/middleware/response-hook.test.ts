import { describe, expect, it } from 'vitest';
import { AddressFamily } from '../../src/bittorrent/address-family.ts';
import type { AnnounceResponse } from '../../src/bittorrent/announce.ts';
import { RequestContext } from '../../src/bittorrent/context.ts';
import { AnnounceEvent } from '../../src/bittorrent/event.ts';
import { ScrapeResponse } from '../../src/bittorrent/scrape.ts';
import { ResponseHook } from '../../src/middleware/response-hook.ts';
import { NaivePeerStore } from '../support/naive-peer-store.ts';
import { sameLastByte } from '../support/preferences.ts';
import { PromisedPeerStore } from '../support/promised-peer-store.ts';
import {
  type AnnounceFields,
  announce,
  peersOf,
  responseTo,
  scrape,
  someInfohash,
  somePeerId,
} from '../support/requests.ts';

const seeder = { peerId: somePeerId('s'), address: '192.0.2.10', left: 0 };
const leecher = { peerId: somePeerId('l'), address: '192.0.2.20' };

describe.each([
  ['answers at once', false],
  ['answers later', true],
])('response hook, with a store that %s', (_, promised) => {
  const setUp = () => {
    const store = new NaivePeerStore();
    const hook = new ResponseHook(promised ? new PromisedPeerStore(store) : store);
    const ask = async (fields: Partial<AnnounceFields>): Promise<AnnounceResponse> => {
      const request = announce(fields);
      const response = responseTo(request);
      const result = hook.handleAnnounce(new RequestContext(), request, response);
      expect(result instanceof Promise).toBe(promised);
      await result;
      return response;
    };
    const put = (fields: Partial<AnnounceFields>) => {
      const { infohash, peer, seeder } = announce(fields);
      if (seeder) store.putSeeder(infohash, peer);
      else store.putLeecher(infohash, peer);
    };
    return { store, hook, ask, put };
  };
  const told = (response: AnnounceResponse) => ({
    complete: response.complete,
    incomplete: response.incomplete,
    peers: peersOf(response),
  });

  it('gives a leecher seeders, then leechers; a seeder leechers only', async () => {
    const { ask, put } = setUp();
    put(leecher);
    put(seeder);
    expect(told(await ask({}))).toEqual({
      complete: 1,
      incomplete: 1,
      peers: ['192.0.2.10:6881', '192.0.2.20:6881'],
    });
    expect(told(await ask({ left: 0 }))).toEqual({ complete: 1, incomplete: 1, peers: ['192.0.2.20:6881'] });
  });

  it('gives no more than are wanted', async () => {
    const { ask, put } = setUp();
    for (let i = 1; i <= 5; i++) put({ address: `192.0.2.${i}`, peerId: somePeerId(`p${i}`) });
    expect((await ask({ numwant: 3 })).peers.count).toBe(3);
  });

  it('gives a lone announcer itself, and counts it', async () => {
    const { ask } = setUp();
    expect(told(await ask(seeder))).toEqual({ complete: 1, incomplete: 0, peers: ['192.0.2.10:6881'] });
    expect(told(await ask(leecher))).toEqual({ complete: 0, incomplete: 1, peers: ['192.0.2.20:6881'] });
    expect(told(await ask({ address: '2001:db8::1' }))).toEqual({
      complete: 0,
      incomplete: 1,
      peers: ['[2001:db8::1]:6881'],
    });
  });

  it('counts it once when it announces again', async () => {
    const { ask, put } = setUp();
    put(seeder);
    expect(told(await ask(seeder))).toEqual({ complete: 1, incomplete: 0, peers: ['192.0.2.10:6881'] });
  });

  it('counts it as what the store knows it for, if it knows it', async () => {
    const { ask, put } = setUp();
    put({ ...seeder, left: 5 });
    expect(told(await ask(seeder))).toEqual({ complete: 0, incomplete: 1, peers: ['192.0.2.10:6881'] });
  });

  it('gives a seeder among seeders itself', async () => {
    const { ask, put } = setUp();
    put(seeder);
    expect(told(await ask({ left: 0 }))).toEqual({ complete: 2, incomplete: 0, peers: ['192.0.2.1:6881'] });
  });

  it('does not count an announcer that finds others', async () => {
    const { ask, put } = setUp();
    put(seeder);
    expect(told(await ask({}))).toEqual({ complete: 1, incomplete: 0, peers: ['192.0.2.10:6881'] });
  });

  it.each([
    ['wants none', { numwant: 0 }],
    ['leaves', { event: AnnounceEvent.Stopped }],
  ])('gives counts and no peers to one that %s', async (_name, fields) => {
    const { ask, put } = setUp();
    expect(told(await ask(fields))).toEqual({ complete: 0, incomplete: 0, peers: [] });
    put(seeder);
    put(leecher);
    expect(told(await ask(fields))).toEqual({ complete: 1, incomplete: 1, peers: [] });
  });

  it('keeps families apart', async () => {
    const { ask, put } = setUp();
    put(seeder);
    expect(told(await ask({ address: '2001:db8::2' }))).toEqual({
      complete: 0,
      incomplete: 1,
      peers: ['[2001:db8::2]:6881'],
    });
  });

  it('keeps the peers that a PreHook has put in the answer', async () => {
    const { hook } = setUp();
    const request = announce();
    const response = responseTo(request);
    response.peers.add(announce(seeder).peer);
    await hook.handleAnnounce(new RequestContext(), request, response);
    expect(told(response)).toEqual({ complete: 0, incomplete: 0, peers: ['192.0.2.10:6881'] });
  });

  it('hands the store the preference that a PreHook has set', async () => {
    const { hook, put } = setUp();
    for (let i = 1; i <= 250; i++) put({ address: `192.0.2.${i}`, peerId: somePeerId(`p${i}`) });
    put({ address: '192.0.3.77', peerId: somePeerId('near') });
    const context = new RequestContext();
    context.peerPreference = sameLastByte;
    const request = announce({ address: '192.0.9.77', numwant: 2 });
    const response = responseTo(request);
    await hook.handleAnnounce(context, request, response);
    expect(peersOf(response).sort()).toEqual(['192.0.2.77:6881', '192.0.3.77:6881']);
    context.reset();
    expect(context.peerPreference).toBeUndefined();
  });

  it('scrapes in the order asked, repeated and unknown infohashes included', async () => {
    const { store, hook, put } = setUp();
    const [a, b, c] = [someInfohash('a'), someInfohash('b'), someInfohash('c')];
    put({ ...seeder, infohash: a });
    put({ ...leecher, infohash: b });
    store.graduateLeecher(b, announce(seeder).peer);
    const request = scrape([b, c, a, b]);
    const response = new ScrapeResponse();
    response.reset(9);
    await hook.handleScrape(new RequestContext(), request, response);
    expect(response.files).toEqual([
      { complete: 1, incomplete: 1, snatches: 1 },
      { complete: 0, incomplete: 0, snatches: 0 },
      { complete: 1, incomplete: 0, snatches: 0 },
      { complete: 1, incomplete: 1, snatches: 1 },
    ]);
    request.family = AddressFamily.IPv6;
    await hook.handleScrape(new RequestContext(), request, response);
    expect(response.files.every(({ complete, incomplete }) => complete + incomplete === 0)).toBe(true);
  });
});
