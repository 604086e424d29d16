/**
 * From a query to an announce or a scrape request (BEP 3, BEP 7, BEP 23, BEP 48). Returns what is wrong instead of
 * throwing it; the order of the checks is part of the behaviour, and that of the table in docs/frontends/http.md.
 */

import { AddressFamily } from '../../bittorrent/address-family.ts';
import type { AnnounceRequest } from '../../bittorrent/announce.ts';
import { type ClientError, invalidIp, invalidQueryEscape } from '../../bittorrent/client-error.ts';
import { AnnounceEvent, parseEvent } from '../../bittorrent/event.ts';
import { INFOHASH_LENGTH, PEER_ID_LENGTH } from '../../bittorrent/peer.ts';
import { type RequestLimits, sanitizeAnnounce, sanitizeScrape } from '../../bittorrent/sanitize.ts';
import type { ScrapeRequest } from '../../bittorrent/scrape.ts';
import { type SourceRate, unlimited } from '../source-rate.ts';
import { ClientAddress, type ClientAddressOptions } from './client-address.ts';
import { Decimal } from './decimal.ts';
import * as errors from './errors.ts';
import { MAX_HEAD, type RequestHead } from './head-parser.ts';
import { Key, Query } from './query.ts';

const ZERO = 0x30;
const LONGEST_EVENT = 9;

export class RequestParser {
  /** The family of the request parsed last; `undefined` if it failed before its address was known. */
  family: AddressFamily | undefined;
  readonly #clientAddress: ClientAddress;
  readonly #limits: RequestLimits;
  readonly #rate: SourceRate;
  readonly #query = new Query(MAX_HEAD);
  readonly #decimal = new Decimal();

  constructor(options: ClientAddressOptions, limits: RequestLimits, rate: SourceRate) {
    this.#clientAddress = new ClientAddress(options);
    this.#limits = limits;
    this.#rate = rate;
  }

  /** Fills `request`, all of it, and sanitises it. Returns what the client is to be told if it will not do. */
  parseAnnounce(
    bytes: Uint8Array,
    head: RequestHead,
    remote: Uint8Array,
    request: AnnounceRequest,
  ): ClientError | undefined {
    const source = this.#clientAddress.source(bytes, head, remote);
    if (this.#isTooMuch(source)) return errors.tooManyRequests;
    this.family = undefined;
    request.params.assign(bytes, head.pathStart, head.pathEnd, head.queryStart, head.queryEnd);
    const query = this.#query;
    if (!query.read(bytes, head.queryStart, head.queryEnd)) return invalidQueryEscape;

    if (query.infohashCount === 0) return errors.noInfohash;
    if (query.infohashCount > 1) return errors.multipleInfohashes;
    if (query.decodeInfohash(0) !== INFOHASH_LENGTH) return errors.invalidInfohash;
    request.infohash.set(query.value, 0);

    const idLength = query.decode(Key.PeerId);
    if (idLength < 0) return errors.missingPeerId;
    if (idLength !== PEER_ID_LENGTH) return errors.invalidPeerId;
    request.peer.setId(query.value, 0);

    const decimal = this.#decimal;
    if (!query.number(Key.Left, decimal)) return errors.invalidLeft;
    request.setLeft(decimal.high, decimal.low);
    if (!query.number(Key.Downloaded, decimal)) return errors.invalidDownloaded;
    request.setDownloaded(decimal.high, decimal.low);
    if (!query.number(Key.Uploaded, decimal)) return errors.invalidUploaded;
    request.setUploaded(decimal.high, decimal.low);

    if (!query.number(Key.Port, decimal) || decimal.high !== 0 || decimal.low > 0xffff)
      return errors.unreadablePort;
    const port = decimal.low;

    const event = this.#event();
    if (event === undefined) return errors.invalidEvent;
    request.event = event;
    request.eventProvided = query.has(Key.Event);

    request.numwantProvided = query.has(Key.Numwant);
    if (request.numwantProvided && (!query.number(Key.Numwant, decimal) || decimal.high !== 0))
      return errors.invalidNumwant;
    request.numwant = request.numwantProvided ? decimal.low : 0;

    const compactLength = query.decode(Key.Compact);
    request.compact = compactLength > 1 || (compactLength === 1 && query.value[0] !== ZERO);

    if (!this.#clientAddress.find(query, source)) return invalidIp;
    const { address, provided } = this.#clientAddress;
    request.peer.setAddress(address, 0, address.length);
    request.peer.port = port;
    request.ipProvided = provided;
    this.family = request.peer.family;
    return sanitizeAnnounce(request, this.#limits);
  }

  /** As `parseAnnounce`. */
  parseScrape(
    bytes: Uint8Array,
    head: RequestHead,
    remote: Uint8Array,
    request: ScrapeRequest,
  ): ClientError | undefined {
    const source = this.#clientAddress.source(bytes, head, remote);
    if (this.#isTooMuch(source)) return errors.tooManyRequests;
    this.family = undefined;
    request.params.assign(bytes, head.pathStart, head.pathEnd, head.queryStart, head.queryEnd);
    request.truncate(0);
    const query = this.#query;
    if (!query.read(bytes, head.queryStart, head.queryEnd)) return invalidQueryEscape;

    if (query.infohashCount === 0) return errors.noInfohash;
    for (let i = 0; i < query.infohashCount; i++) {
      if (query.decodeInfohash(i) !== INFOHASH_LENGTH) return errors.invalidInfohash;
      request.add(query.value, 0);
    }

    if (!this.#clientAddress.find(query, source)) return invalidIp;
    request.family = familyOf(this.#clientAddress.address);
    this.family = request.family;
    sanitizeScrape(request, this.#limits);
    return undefined;
  }

  /** Counts a request of a source, and tells whether it is one too many; if so, its family is known. */
  #isTooMuch(source: Uint8Array | undefined): boolean {
    if (this.#rate === unlimited || source === undefined) return false;
    this.family = familyOf(source);
    return !this.#rate.take(source, 0, source.length, Date.now());
  }

  /** `undefined` for an event that does not exist. */
  #event(): AnnounceEvent | undefined {
    const length = this.#query.decode(Key.Event);
    if (length <= 0) return AnnounceEvent.None;
    return length > LONGEST_EVENT ? undefined : parseEvent(this.#query.text(Key.Event) as string);
  }
}

function familyOf(address: Uint8Array): AddressFamily {
  return address.length === 4 ? AddressFamily.IPv4 : AddressFamily.IPv6;
}
