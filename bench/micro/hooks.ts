/** The logic between frontend and store: an announce with no hooks, with one, with four, and with a token. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import { AnnounceRequest, AnnounceResponse } from '../../src/bittorrent/announce.ts';
import { RequestContext } from '../../src/bittorrent/context.ts';
import { PeerList } from '../../src/bittorrent/peer-list.ts';
import { clientApprovalDriver } from '../../src/middleware/client-approval/driver.ts';
import type { NamedHook } from '../../src/middleware/hook-chain.ts';
import { intervalVariationDriver } from '../../src/middleware/interval-variation/driver.ts';
import { Logic } from '../../src/middleware/logic.ts';
import type { HookDriver } from '../../src/middleware/middleware.ts';
import { passkeyApprovalDriver } from '../../src/middleware/passkey-approval/driver.ts';
import { torrentApprovalDriver } from '../../src/middleware/torrent-approval/driver.ts';
import { silentLogger } from '../../src/pkg/logger.ts';
import { openHook } from '../../test/support/open-hook.ts';
import { rememberedToken } from '../support/jwt.ts';
import { fillSwarm, setInfohash, setPeer } from '../support/numbered.ts';
import { createStore } from '../support/store.ts';
import type { Benchmark } from './benchmark.ts';

const SIZE = 1000;
const WANTED = 30;

const LISTED = 1_000_000;
const PASSKEY = '0123456789abcdef0123456789abcdef';
const PASSKEY_QUERY = Buffer.from(`passkey=${PASSKEY}`);

/** The infohash that is announced is on none of the lists, and so is looked for to the end. */
function otherInfohashes(): string {
  const names = Array.from({ length: LISTED }, (_, i) => createHash('sha1').update(String(i)).digest('hex'));
  return `${names.join('\n')}\n`;
}

async function fourHooks(): Promise<NamedHook[]> {
  const directory = mkdtempSync(join(tmpdir(), 'chihaya-bench-'));
  const blacklist_file = join(directory, 'torrents.txt');
  writeFileSync(blacklist_file, otherInfohashes());
  const others = Array.from({ length: 10_000 }, (_, i) => String(i).padStart(32, '0'));
  const hooks = [
    await named(clientApprovalDriver, { whitelist: ['BN0100', 'TR4050'] }),
    await named(torrentApprovalDriver, { blacklist_file }),
    await named(passkeyApprovalDriver, { keys: [...others, PASSKEY] }),
    await named(intervalVariationDriver, { modify_response_probability: 1, max_increase_delta: 60 }),
  ];
  rmSync(directory, { recursive: true });
  return hooks;
}

async function named<Schema extends z.ZodType, Value>(
  driver: HookDriver<Schema, Value>,
  options: z.input<Schema>,
): Promise<NamedHook> {
  return { name: driver.name, hook: (await openHook(driver, options)).hook };
}

const hooks = await fourHooks();
const jwt = await rememberedToken();

export const hookBenchmarks: readonly Benchmark[] = [
  announce('with no hooks', []),
  ...hooks.map((hook) => announce(`with ${hook.name}`, [hook], PASSKEY_QUERY)),
  announce('with four hooks', hooks, PASSKEY_QUERY),
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
          assert.equal(response.interval > 1800, preHooks.at(-1)?.name === 'interval variation');
          assert.equal(response.complete + response.incomplete, SIZE);
        },
      };
    },
  };
}
