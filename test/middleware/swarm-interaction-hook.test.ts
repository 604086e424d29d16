import { describe, expect, it } from 'vitest';
import { AddressFamily } from '../../src/bittorrent/address-family.ts';
import { RequestContext } from '../../src/bittorrent/context.ts';
import { AnnounceEvent } from '../../src/bittorrent/event.ts';
import { SwarmCounts } from '../../src/bittorrent/scrape.ts';
import { SwarmInteractionHook } from '../../src/middleware/swarm-interaction-hook.ts';
import { NaivePeerStore } from '../support/naive-peer-store.ts';
import { PromisedPeerStore } from '../support/promised-peer-store.ts';
import { type AnnounceFields, announce, someInfohash } from '../support/requests.ts';

const { None, Started, Stopped, Completed } = AnnounceEvent;

describe.each([
  ['answers at once', false],
  ['answers later', true],
])('swarm interaction hook, with a store that %s', (_, promised) => {
  const setUp = () => {
    const store = new NaivePeerStore();
    const hook = new SwarmInteractionHook(promised ? new PromisedPeerStore(store) : store);
    const tell = async (fields: Partial<AnnounceFields>, context = new RequestContext()): Promise<void> => {
      const result = hook.handleAnnounce(context, announce(fields));
      expect(result instanceof Promise).toBe(promised && !context.skipSwarmInteraction);
      await result;
    };
    const counts = (): [number, number, number] => {
      const found = new SwarmCounts();
      store.scrapeSwarm(someInfohash(0), AddressFamily.IPv4, found);
      return [found.complete, found.incomplete, found.snatches];
    };
    return { hook, tell, counts };
  };

  it.each([
    ['started, something left', { event: Started, left: 1 }, [0, 1, 0]],
    ['started, nothing left', { event: Started, left: 0 }, [1, 0, 0]],
    ['none, something left', { event: None, left: 1 }, [0, 1, 0]],
    ['none, nothing left', { event: None, left: 0 }, [1, 0, 0]],
    ['completed, nothing left', { event: Completed, left: 0 }, [1, 0, 1]],
    // A client that completed its selection of files: the original takes its word, and so do we.
    ['completed, something left', { event: Completed, left: 1 }, [1, 0, 1]],
    ['stopped', { event: Stopped, left: 1 }, [0, 0, 0]],
  ] as const)('%s', async (_name, fields, expected) => {
    const { tell, counts } = setUp();
    await tell(fields);
    expect(counts()).toEqual(expected);
  });

  it('moves a peer through its life', async () => {
    const { tell, counts } = setUp();
    await tell({ event: Started });
    expect(counts()).toEqual([0, 1, 0]);
    await tell({ event: Completed, left: 0 });
    expect(counts()).toEqual([1, 0, 1]);
    await tell({ event: Completed, left: 0 });
    expect(counts()).toEqual([1, 0, 1]);
    await tell({ left: 0 });
    await tell({ address: '192.0.2.9' });
    expect(counts()).toEqual([1, 1, 1]);
    await tell({ event: Stopped, left: 0 });
    expect(counts()).toEqual([0, 1, 1]);
  });

  it.each([0, 1])('lets a peer leave whichever side it is on (left was %i)', async (left) => {
    const { tell, counts } = setUp();
    await tell({ left });
    await tell({ event: Stopped, left: 1 - left });
    expect(counts()).toEqual([0, 0, 0]);
  });

  it('asks the store to delete from both sides', async () => {
    const asked: string[] = [];
    const store = new NaivePeerStore();
    const hook = new SwarmInteractionHook(promised ? new PromisedPeerStore(store) : store);
    const { deleteSeeder, deleteLeecher } = store;
    store.deleteSeeder = (...args) => {
      asked.push('seeder');
      return deleteSeeder.apply(store, args);
    };
    store.deleteLeecher = (...args) => {
      asked.push('leecher');
      return deleteLeecher.apply(store, args);
    };
    await hook.handleAnnounce(new RequestContext(), announce({ event: Stopped }));
    expect(asked).toEqual(['seeder', 'leecher']);
  });

  it('stores nothing when it is told not to', async () => {
    const { tell, counts } = setUp();
    const context = new RequestContext();
    context.skipSwarmInteraction = true;
    await tell({}, context);
    expect(counts()).toEqual([0, 0, 0]);
  });

  it('has nothing to do with scrapes', () => {
    expect(setUp().hook.handleScrape()).toBeUndefined();
  });
});
