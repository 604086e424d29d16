/** Whether a hook lets an announce pass. */

import type { AnnounceRequest } from '../../src/bittorrent/announce.ts';
import { ClientError } from '../../src/bittorrent/client-error.ts';
import { RequestContext } from '../../src/bittorrent/context.ts';
import type { Hook } from '../../src/middleware/middleware.ts';
import { responseTo } from './requests.ts';

export function approves(hook: Hook, request: AnnounceRequest, context = new RequestContext()): boolean {
  try {
    hook.handleAnnounce(context, request, responseTo(request));
    return true;
  } catch (error) {
    if (error instanceof ClientError) return false;
    throw error;
  }
}
