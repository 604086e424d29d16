/** `passkey approval`: serves those alone who have a key, as private trackers do. */

import { randomFillSync } from 'node:crypto';
import type { z } from 'zod';
import type { AnnounceRequest } from '../../bittorrent/announce.ts';
import { ClientError } from '../../bittorrent/client-error.ts';
import type { RequestContext } from '../../bittorrent/context.ts';
import type { Params } from '../../bittorrent/params.ts';
import type { ScrapeRequest } from '../../bittorrent/scrape.ts';
import { Fingerprint } from '../../pkg/fingerprint.ts';
import { FingerprintList } from '../fingerprint-list.ts';
import { type FingerprintLists, ListLookup } from '../list-lookup.ts';
import { listParts } from '../list-part.ts';
import { ListSource } from '../list-source.ts';
import { defineHook, type Hook, type Shared, type SourceDependencies } from '../middleware.ts';
import { options } from './config.ts';
import { isPasskey, LONGEST_PASSKEY, PASSKEY, SHORTEST_PASSKEY } from './passkey.ts';

export const invalidPasskey = new ClientError('unapproved request: invalid passkey');

const NAME = 'passkey approval';

/** What UDP, which has no routes, has in their place: `/KEY/announce` in the URL data. */
const AFTER_KEY = Buffer.from('/announce');

class PasskeyApproval implements Hook {
  readonly #keys: ListLookup;
  readonly #routeParameter: string;
  readonly #queryParameter: Uint8Array;
  readonly #protectScrape: boolean;

  constructor(config: z.output<typeof options>, shared: Shared<FingerprintLists>) {
    this.#keys = new ListLookup(shared.value, LONGEST_PASSKEY);
    this.#routeParameter = config.route_parameter;
    this.#queryParameter = Buffer.from(config.query_parameter.toLowerCase());
    this.#protectScrape = config.protect_scrape;
    shared.onChange((keys) => this.#keys.replace(keys));
  }

  handleAnnounce(context: RequestContext, request: AnnounceRequest): void {
    if (!this.#isKnown(this.#readKey(context, request.params))) throw invalidPasskey;
  }

  handleScrape(context: RequestContext, request: ScrapeRequest): void {
    if (this.#protectScrape && !this.#isKnown(this.#readKey(context, request.params))) throw invalidPasskey;
  }

  /** Writes a request's key where its fingerprint is made, and returns its length, or -1 if there is none. */
  #readKey(context: RequestContext, params: Params): number {
    const { bytes } = this.#keys.fingerprint;
    const inRoute = context.routeParams.get(this.#routeParameter);
    if (inRoute !== undefined) {
      // A character is a byte: one that is not is none that a key has, and becomes another such.
      for (let i = 0; i < inRoute.length && i < bytes.length; i++) {
        bytes[i] = Math.min(inRoute.charCodeAt(i), 255);
      }
      return inRoute.length;
    }
    const length = params.readValue(this.#queryParameter, bytes);
    return length >= 0 ? length : params.readSegment(AFTER_KEY, bytes);
  }

  /** What is longer than any key was not written as a whole, and is not looked at. */
  #isKnown(length: number): boolean {
    if (length < SHORTEST_PASSKEY || length > LONGEST_PASSKEY) return false;
    this.#keys.fingerprint.make(length);
    return this.#keys.isListed();
  }
}

function passkeyList(key: Int32Array): FingerprintList {
  const fingerprint = new Fingerprint(key, LONGEST_PASSKEY);
  return new FingerprintList({
    fingerprint,
    shortest: SHORTEST_PASSKEY,
    secret: true,
    cuttable: true,
    read(text, start, end) {
      if (!isPasskey(text, start, end)) return PASSKEY;
      fingerprint.bytes.set(text.subarray(start, end));
      fingerprint.make(end - start);
      return undefined;
    },
  });
}

export const passkeyApprovalDriver = defineHook({
  name: NAME,
  summary: 'Serves only requests with a known passkey, in the path or in the query.',
  options,
  share({ keys, keys_file }, dependencies: SourceDependencies<FingerprintLists>) {
    const key = randomFillSync(new Int32Array(4));
    const parts = listParts(keys, keys_file, () => passkeyList(key));
    return ListSource.open(
      { hook: NAME, parts, combine: (lists): FingerprintLists => ({ key, lists }) },
      dependencies,
    );
  },
  create: (config, { shared }) => new PasskeyApproval(config, shared),
});
