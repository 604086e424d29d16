/** `external ip` has no options. */

import { z } from 'zod';

export const options = z.strictObject({});
