/**
 * `external ip`: tells an announcer the address that it is known by (BEP 24), which behind a NAT it does not
 * know itself. The frontend writes it: of the protocols HTTP alone has a field for it.
 */

import type { AnnounceRequest, AnnounceResponse } from '../../bittorrent/announce.ts';
import type { RequestContext } from '../../bittorrent/context.ts';
import { defineHook, type Hook } from '../middleware.ts';
import { options } from './config.ts';

class ExternalIp implements Hook {
  handleAnnounce(_context: RequestContext, _request: AnnounceRequest, response: AnnounceResponse): void {
    response.includeExternalIp = true;
  }

  /** BEP 24 is about announces. */
  handleScrape(): void {}
}

export const externalIpDriver = defineHook({
  name: 'external ip',
  summary: 'Tells announcers over HTTP the address that they are known by.',
  options,
  create: () => new ExternalIp(),
});
