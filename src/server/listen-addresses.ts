/** The addresses of a configuration. */

import { optionsOf } from '../config/component.ts';
import type { SocketType } from '../pkg/bound-sockets.ts';
import type { ListenAddress } from '../pkg/listen-address.ts';
import type { TrackerConfig } from './tracker-parts.ts';

export interface ConfiguredAddress {
  /** In the configuration, such as `http.addr`. */
  readonly key: string;
  readonly type: SocketType;
  readonly address: ListenAddress;
}

/** Every address that would be listened on. */
export function listenAddresses(config: TrackerConfig): ConfiguredAddress[] {
  const given = config.frontends.flatMap(({ component, options }) =>
    optionsOf(component.options)
      .filter(({ info }) => info?.kind === 'address')
      .map(({ name }) => ({
        key: `${component.name}.${name}`,
        type: component.socketType,
        address: (options as Record<string, ListenAddress | undefined>)[name],
      })),
  );
  const metrics = { key: 'metrics_addr', type: 'stream' as const, address: config.metricsAddr };
  return [...given, metrics].flatMap(({ address, ...rest }) => (address ? [{ ...rest, address }] : []));
}
