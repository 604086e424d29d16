/** `passkey approval`: serves those alone who have a key, as private trackers do. */

import { randomFillSync } from 'node:crypto';
import type { z } from 'zod';
import type { AnnounceRequest } from '../../bittorrent/announce.ts';
import { ClientError } from '../../bittorrent/client-error.ts';
import type { RequestContext } from '../../bittorrent/context.ts';
import type { Params } from '../../bittorrent/params.ts';
import type { ScrapeRequest } from '../../bittorrent/scrape.ts';
import { DigestSet } from '../../pkg/digest-set.ts';
import { DigestContents } from '../digest-contents.ts';
import { FileList, InlineList, type ListPart } from '../list-part.ts';
import { ListSource } from '../list-source.ts';
import { defineHook, type Hook, type Shared, type SourceDependencies } from '../middleware.ts';
import { options } from './config.ts';
import { isPasskey, PASSKEY, PasskeyDigest, SHORTEST_PASSKEY } from './passkey.ts';

export const invalidPasskey = new ClientError('unapproved request: invalid passkey');

const NAME = 'passkey approval';

/** What UDP, which has no routes, has in their place: `/KEY/announce` in the URL data. */
const AFTER_KEY = Buffer.from('/announce');

interface Keys {
  /** What digests are made with. */
  readonly hashKey: Int32Array;
  /** The digests of the keys: of the configuration, of a file. */
  readonly lists: readonly SharedArrayBuffer[];
}

class PasskeyApproval implements Hook {
  readonly #digest: PasskeyDigest;
  readonly #routeParameter: string;
  readonly #queryParameter: Uint8Array;
  readonly #protectScrape: boolean;
  #lists: readonly DigestSet[];

  constructor(config: z.output<typeof options>, shared: Shared<Keys>) {
    this.#digest = new PasskeyDigest(shared.value.hashKey);
    this.#routeParameter = config.route_parameter;
    this.#queryParameter = Buffer.from(config.query_parameter.toLowerCase());
    this.#protectScrape = config.protect_scrape;
    this.#lists = shared.value.lists.map(DigestSet.open);
    shared.onChange(({ lists }) => {
      this.#lists = lists.map(DigestSet.open);
    });
  }

  handleAnnounce(context: RequestContext, request: AnnounceRequest): void {
    if (!this.#isKnown(this.#readKey(context, request.params))) throw invalidPasskey;
  }

  handleScrape(context: RequestContext, request: ScrapeRequest): void {
    if (this.#protectScrape && !this.#isKnown(this.#readKey(context, request.params))) throw invalidPasskey;
  }

  /** Writes a request's key to the digest's bytes, and returns its length, or -1 if there is none. */
  #readKey(context: RequestContext, params: Params): number {
    const { bytes } = this.#digest;
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

  #isKnown(length: number): boolean {
    if (!this.#digest.make(length)) return false;
    const { words } = this.#digest;
    let known = false;
    for (let i = 0; i < this.#lists.length; i++) known = (this.#lists[i] as DigestSet).has(words) || known;
    return known;
  }
}

function passkeyList(hashKey: Int32Array): DigestContents {
  const own = new PasskeyDigest(hashKey);
  return new DigestContents({
    words: own.words.length,
    shortest: SHORTEST_PASSKEY,
    secret: true,
    cuttable: true,
    read(text, start, end, digest) {
      if (!isPasskey(text, start, end)) return PASSKEY;
      own.bytes.set(text.subarray(start, end));
      own.make(end - start);
      digest.set(own.words);
      return undefined;
    },
  });
}

export const passkeyApprovalDriver = defineHook({
  name: NAME,
  summary: 'Serves only requests with a known passkey, in the path or in the query.',
  options,
  share({ keys, keys_file }, dependencies: SourceDependencies<Keys>) {
    const hashKey = randomFillSync(new Int32Array(4));
    const parts: ListPart<SharedArrayBuffer>[] = [];
    if (keys.length > 0) parts.push(new InlineList(keys, passkeyList(hashKey)));
    if (keys_file !== undefined) parts.push(new FileList(keys_file, passkeyList(hashKey)));
    return ListSource.open(
      { hook: NAME, parts, combine: (lists): Keys => ({ hashKey, lists }) },
      dependencies,
    );
  },
  create: (config, { shared }) => new PasskeyApproval(config, shared),
});
