/** HTTP and HTTPS (BEP 3, BEP 7, BEP 23, BEP 48), on node:net and node:tls. */

import type { ListenAddress } from '../../pkg/options.ts';
import { defineFrontendDriver } from '../frontend.ts';
import { httpOptions } from './config.ts';
import { HttpFrontend } from './frontend.ts';
import { settlePorts } from './listen.ts';

export const httpDriver = defineFrontendDriver({
  name: 'http',
  summary: 'Serves announces and scrapes over HTTP, HTTPS or both.',
  options: httpOptions,
  open: (options, dependencies) => HttpFrontend.open(options, dependencies),
  async settle(options) {
    const { addr, https_addr } = options;
    const ports = await settlePorts([
      ...(addr ? ([['http', addr]] as const) : []),
      ...(https_addr ? ([['https', https_addr]] as const) : []),
    ]);
    const settled = (address: ListenAddress | undefined) =>
      address && { ...address, port: ports.shift() as number };
    return { ...options, addr: settled(addr), https_addr: settled(https_addr) };
  },
});
