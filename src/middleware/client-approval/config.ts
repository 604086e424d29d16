/** The options of `client approval`. */

import { z } from 'zod';
import { CLIENT_ID_LENGTH } from '../../bittorrent/client-id.ts';
import { expecting } from '../../pkg/options.ts';
import { approvalLists } from '../approval-lists.ts';

const WANTED = expecting(`a client id of ${CLIENT_ID_LENGTH} bytes, in quotes, such as "TR4050"`);

const clientId = z.string(WANTED).refine((text) => Buffer.byteLength(text) === CLIENT_ID_LENGTH, WANTED);

export const options = approvalLists(clientId, 'clients, by client id,', '["TR4050", "lt0D60"]', {});
