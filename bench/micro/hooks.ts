/** The logic between frontend and store: an announce with no hooks, with three that ship, and with a token. */

import assert from 'node:assert/strict';
import type { z } from 'zod';
import { AnnounceRequest, AnnounceResponse } from '../../src/bittorrent/announce.ts';
import { RequestContext } from '../../src/bittorrent/context.ts';
import { PeerList } from '../../src/bittorrent/peer-list.ts';
import { clientApprovalDriver } from '../../src/middleware/client-approval/driver.ts';
import type { NamedHook } from '../../src/middleware/hook-chain.ts';
import { intervalVariationDriver } from '../../src/middleware/interval-variation/driver.ts';
import { Logic } from '../../src/middleware/logic.ts';
import type { HookDriver } from '../../src/middleware/middleware.ts';
import { torrentApprovalDriver } from '../../src/middleware/torrent-approval/driver.ts';
import { silentLogger } from '../../src/pkg/logger.ts';
import { openHook } from '../../test/support/open-hook.ts';
import { rememberedToken } from '../support/jwt.ts';
import { fillSwarm, setInfohash, setPeer } from '../support/numbered.ts';
import { createStore } from '../support/store.ts';
import type { Benchmark } from './benchmark.ts';

const SIZE = 1000;
const WANTED = 30;

async function threeHooks(): Promise<NamedHook[]> {
  return [
    await named(clientApprovalDriver, { whitelist: ['BN0100', 'TR4050'] }),
    await named(torrentApprovalDriver, { blacklist: ['00'.repeat(20), 'ff'.repeat(20)] }),
    await named(intervalVariationDriver, { modify_response_probability: 1, max_increase_delta: 60 }),
  ];
}

async function named<Schema extends z.ZodType, Value>(
  driver: HookDriver<Schema, Value>,
  options: z.input<Schema>,
): Promise<NamedHook> {
  return { name: driver.name, hook: (await openHook(driver, options)).hook };
}

const hooks = await threeHooks();
const jwt = await rememberedToken();

export const hookBenchmarks: readonly Benchmark[] = [
  announce('with no hooks', []),
  announce('with three hooks', hooks),
  announce('with a token that is remembered', [jwt.hook], jwt.query),
];

/** @param query of the request, where a hook looks at it */
function announce(name: string, preHooks: readonly NamedHook[], query?: Buffer): Benchmark {
  return {
    group: `an announce through the logic, ${WANTED} peers of ${SIZE}`,
    name,
    prepare() {
      const store = createStore();
      const logic = new Logic({
        store,
        preHooks,
        postHooks: [],
        announceInterval: 1_800_000,
        minAnnounceInterval: 900_000,
        logger: silentLogger,
      });
      const context = new RequestContext();
      const request = new AnnounceRequest();
      const response = new AnnounceResponse(new PeerList(WANTED));
      setInfohash(request.infohash, 0);
      fillSwarm(store, request.infohash, 0, SIZE);
      setPeer(request.peer, 1);
      request.numwant = WANTED;
      request.setLeft(0, 1000);
      let pending: void | Promise<void>;
      return {
        run() {
          context.reset();
          if (query) request.params.assign(query, 0, 0, 0, query.length);
          response.reset(request.peer.family);
          pending = logic.handleAnnounce(context, request, response);
          logic.afterAnnounce(context, request, response);
        },
        check() {
          assert.equal(response.peers.count, WANTED);
          assert.equal(pending, undefined);
          assert.equal(response.interval > 1800, preHooks === hooks);
          assert.equal(response.complete + response.incomplete, SIZE);
        },
      };
    },
  };
}
