/** What accompanies a request through the hooks: values, route parameters, header fields, a preference, and two switches. */

import { HeaderFields } from './header-fields.ts';
import type { PeerPreference } from './peer-preference.ts';

/**
 * Names a value in a RequestContext and its type. Two keys are never the same, whatever their names,
 * so that hooks cannot overwrite each other's values by accident.
 */
export class ContextKey<T> {
  readonly name: string;
  declare readonly type: T;

  constructor(name: string) {
    this.name = name;
  }
}

const NO_ROUTE_PARAMS: ReadonlyMap<string, string> = new Map();

export class RequestContext {
  /** Set by a PreHook that has filled the response itself: storage is not read. */
  skipResponseHook = false;
  /** Set by a hook to keep this announce out of storage. */
  skipSwarmInteraction = false;
  /** Set by a PreHook: which peers are to be given first. Of several hooks the last one's counts. */
  peerPreference: PeerPreference | undefined;
  /** The named parameters of the HTTP route, decoded: `/:passkey/announce` gives `passkey`. */
  routeParams: ReadonlyMap<string, string> = NO_ROUTE_PARAMS;
  /** The header fields of an HTTP request, the proxy's included; none over UDP. */
  readonly headers = new HeaderFields();
  #values: Map<unknown, unknown> | undefined;

  get<T>(key: ContextKey<T>): T | undefined {
    return this.#values?.get(key) as T | undefined;
  }

  set<T>(key: ContextKey<T>, value: T): void {
    this.#values ??= new Map();
    this.#values.set(key, value);
  }

  /** Makes the context ready for another request. */
  reset(): void {
    this.skipResponseHook = false;
    this.skipSwarmInteraction = false;
    this.peerPreference = undefined;
    this.routeParams = NO_ROUTE_PARAMS;
    this.headers.clear();
    this.#values = undefined;
  }
}
