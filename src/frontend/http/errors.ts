/** What an HTTP client is told of its mistakes. The texts are on the wire and in metric labels: they never change. */

import { ClientError } from '../../bittorrent/client-error.ts';

/** Over `source_announce_rate`. BEP 31 counts in minutes, and one is the shortest time. */
export const tooManyRequests = new ClientError('too many requests', { retryIn: 1 });

export const noInfohash = new ClientError('no info_hash parameter supplied');
export const multipleInfohashes = new ClientError('multiple info_hash parameters supplied');
/** An info_hash that is not 20 bytes. */
export const invalidInfohash = new ClientError('provided invalid infohash');

export const missingPeerId = new ClientError('failed to parse parameter: peer_id');
/** A peer_id that is not 20 bytes. */
export const invalidPeerId = new ClientError('failed to provide valid peer_id');

export const invalidLeft = new ClientError('failed to parse parameter: left');
export const invalidDownloaded = new ClientError('failed to parse parameter: downloaded');
export const invalidUploaded = new ClientError('failed to parse parameter: uploaded');
/** A port that is missing, not a number, or above 65535; 0 is the sanitiser's to refuse. */
export const unreadablePort = new ClientError('failed to parse parameter: port');
export const invalidNumwant = new ClientError('failed to parse parameter: numwant');
export const invalidEvent = new ClientError('failed to provide valid client event');
