/** HTTP and HTTPS (BEP 3, BEP 7, BEP 23, BEP 48) as a driver. */

import { type ListenAddress, sameAddress } from '../../pkg/listen-address.ts';
import { defineFrontendDriver } from '../frontend.ts';
import { httpOptions } from './config.ts';
import { HttpFrontend } from './frontend.ts';
import { settlePorts } from './listen.ts';

export const httpDriver = defineFrontendDriver({
  name: 'http',
  summary: 'Serves announces and scrapes over HTTP, HTTPS or both.',
  options: httpOptions,
  socketType: 'stream',
  open: (options, dependencies) => HttpFrontend.open(options, dependencies),
  async settle(options, { before, bound }) {
    const served = (key: 'addr' | 'https_addr') => {
      const address = options[key];
      if (address && bound?.has('stream', address)) return address;
      return sameAddress(address, before?.given[key]) ? before?.settled[key] : undefined;
    };
    const kept = { addr: served('addr'), https_addr: served('https_addr') };
    const ports = await settlePorts([
      ...(options.addr && !kept.addr ? ([['http', options.addr]] as const) : []),
      ...(options.https_addr && !kept.https_addr ? ([['https', options.https_addr]] as const) : []),
    ]);
    const settled = (address: ListenAddress | undefined) =>
      address && { ...address, port: ports.shift() as number };
    return {
      ...options,
      addr: kept.addr ?? settled(options.addr),
      https_addr: kept.https_addr ?? settled(options.https_addr),
    };
  },
});
