/**
 * Lets pass who shows a token for the infohash. A token that has been verified is remembered: its next announces are let
 * pass at once, without a promise and without a signature.
 *
 *     token ─▶ remembered? ─▶ key known? ─▶ jose: signature, exp, nbf, iss, aud ─▶ infohash ─▶ remembered
 *                                 └─ no: have the keys fetched, wait, look again
 */

import type { AnnounceRequest } from '../../bittorrent/announce.ts';
import { ClientError } from '../../bittorrent/client-error.ts';
import type { RequestContext } from '../../bittorrent/context.ts';
import type { Infohash } from '../../bittorrent/infohash.ts';
import type { Params } from '../../bittorrent/params.ts';
import type { ScrapeRequest } from '../../bittorrent/scrape.ts';
import type { Hook, HookDependencies } from '../middleware.ts';
import type { JwtOptions } from './config.ts';
import { CurrentKeys, type KeySet } from './key-set.ts';
import type { SharedKeys } from './key-source.ts';
import { RememberedTokens } from './remembered-tokens.ts';
import { keyIdOf, type Refusal, verifyToken } from './verify-token.ts';

export const missingJwt = new ClientError('unapproved request: missing jwt');
export const invalidJwt = new ClientError('unapproved request: invalid jwt');

type Result = 'remembered' | 'verified' | 'missing' | Refusal;

export class JwtHook implements Hook {
  readonly #options: JwtOptions;
  readonly #verifyOptions: { issuer: string; audience: string; algorithms: string[] };
  readonly #logger: HookDependencies['logger'];
  readonly #tokens = new RememberedTokens();
  readonly #keys: CurrentKeys;
  readonly #counts = new Map<Result, number>();
  /** The last set of which a key was found to be of no use: it is said once. */
  #complainedOf: unknown;

  constructor(options: JwtOptions, { logger, metrics, shared }: HookDependencies<SharedKeys>) {
    this.#options = options;
    const { issuer, audience, algorithms } = options;
    this.#verifyOptions = { issuer, audience, algorithms };
    this.#logger = logger;
    this.#keys = new CurrentKeys(shared, () => this.#tokens.clear());
    metrics.register({
      name: 'chihaya_jwt_requests_total',
      help: 'Requests by what became of their token',
      type: 'counter',
      collect: () => [...this.#counts].map(([result, value]) => ({ labels: { result }, value })),
    });
  }

  handleAnnounce(context: RequestContext, request: AnnounceRequest): void | Promise<void> {
    return this.#check(this.#tokenOf(context, request.params), request.infohash);
  }

  handleScrape(context: RequestContext, request: ScrapeRequest): void | Promise<void> {
    if (!this.#options.protect_scrape) return;
    const token = this.#tokenOf(context, request.params);
    const checks = request.infohashes.map((infohash) => this.#check(token, infohash)).filter(isPending);
    if (checks.length > 0) return Promise.all(checks).then(() => {});
  }

  /** @throws ClientError if there is none */
  #tokenOf({ headers }: RequestContext, params: Params): string {
    const { header, parameter } = this.#options;
    const field = header === undefined ? undefined : headers.get(header);
    const token = field?.replace(/^bearer +/i, '') ?? params.get(parameter);
    if (token !== undefined) return token;
    this.#count('missing');
    throw missingJwt;
  }

  #check(token: string, infohash: Infohash): void | Promise<void> {
    const digest = RememberedTokens.digest(token, infohash);
    if (!this.#tokens.has(digest)) return this.#verify(token, infohash.hex, digest);
    this.#count('remembered');
  }

  async #verify(token: string, infohash: string, digest: string): Promise<void> {
    const kid = keyIdOf(token);
    if (kid === undefined) throw this.#refuse('malformed');
    if (!this.#keys.current.has(kid)) await this.#keys.renew();
    const keys = this.#keys.current;
    if (!keys.has(kid)) throw this.#refuse('unknown key');
    const verdict = await this.#verdict(token, infohash, kid, keys);
    if (typeof verdict !== 'number') throw this.#refuse(verdict);
    // A key that has gone meanwhile vouches for nobody any more.
    if (this.#keys.current === keys) this.#tokens.add(digest, verdict);
    this.#count('verified');
  }

  async #verdict(token: string, infohash: string, kid: string, keys: KeySet): Promise<number | Refusal> {
    try {
      return await verifyToken(token, infohash, keys, this.#verifyOptions);
    } catch (error) {
      if (this.#complainedOf !== keys) this.#logger.warn({ kid, err: error }, 'a key cannot be used');
      this.#complainedOf = keys;
      return 'unknown key';
    }
  }

  #refuse(why: Refusal): ClientError {
    this.#count(why);
    return invalidJwt;
  }

  #count(result: Result): void {
    this.#counts.set(result, (this.#counts.get(result) ?? 0) + 1);
  }
}

function isPending(check: void | Promise<void>): check is Promise<void> {
  return check !== undefined;
}
