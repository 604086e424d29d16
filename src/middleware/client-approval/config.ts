/** The options of `client approval`. */

import { z } from 'zod';
import { CLIENT_ID_LENGTH } from '../../bittorrent/client-id.ts';
import { expected } from '../../pkg/options.ts';
import { approvalLists } from '../approval-lists.ts';

const WHAT = `a client id of ${CLIENT_ID_LENGTH} bytes, in quotes, such as "TR4050"`;

const clientId = z
  .string({ error: (issue) => expected(WHAT, issue.input) })
  .refine((text) => Buffer.byteLength(text) === CLIENT_ID_LENGTH, {
    error: (issue) => expected(WHAT, issue.input),
  });

export const options = approvalLists(clientId, 'clients, by client id,', '["TR4050", "lt0D60"]', {});
