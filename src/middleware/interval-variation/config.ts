/** The options of `interval variation`. */

import { z } from 'zod';
import { flag, positiveInteger, probability } from '../../pkg/options.ts';

/** What clients that read a signed 32 bit number understand. */
const MOST_SECONDS = 2 ** 31 - 1;

export const options = z.strictObject({
  modify_response_probability: probability('The share of peers whose interval is lengthened.', {
    example: '0.2',
  }),
  max_increase_delta: positiveInteger(MOST_SECONDS, 'The most seconds that are added to an interval.', {
    example: '60',
  }),
  modify_min_interval: flag(false, 'Whether the minimum interval is lengthened as well.'),
});
