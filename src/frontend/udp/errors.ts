/** What UDP clients can be told of their mistakes, besides the errors all frontends share. */

import { ClientError } from '../../bittorrent/client-error.ts';

export const malformedPacket = new ClientError('malformed packet');
export const malformedEvent = new ClientError('malformed event ID');
export const unknownAction = new ClientError('unknown action ID');
export const badConnectionId = new ClientError('bad connection ID');
