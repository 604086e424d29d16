/** HTTP and HTTPS (BEP 3, BEP 7, BEP 23, BEP 48), on node:net and node:tls. */

import { defineFrontendDriver } from '../frontend.ts';
import { httpOptions } from './config.ts';
import { HttpFrontend } from './frontend.ts';

export const httpDriver = defineFrontendDriver({
  name: 'http',
  summary: 'Serves announces and scrapes over HTTP, HTTPS or both.',
  options: httpOptions,
  open: (options, dependencies) => HttpFrontend.open(options, dependencies),
});
