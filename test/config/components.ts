/** A small set of components with every kind of option, so that these tests depend on no real one. */

import { z } from 'zod';
import type { Components } from '../../src/config/component.ts';
import { count, duration, flag, listenAddress, text, textList } from '../../src/pkg/options.ts';

export const components: Components = {
  frontends: [
    {
      name: 'http',
      summary: 'Serves HTTP.',
      options: z
        .strictObject({
          addr: listenAddress('Where HTTP is served.', { example: '0.0.0.0:6969' }),
          https_addr: listenAddress('Where HTTPS is served.'),
          read_timeout: duration('2s', 'How long a request may take to arrive.'),
          enable_keepalive: flag(false, 'Whether connections are kept.'),
          announce_routes: textList(['/announce'], 'The paths of announces.'),
          max_numwant: count(100, 'The most peers that are given.'),
        })
        .refine(({ addr, https_addr }) => addr || https_addr, 'expected addr or https_addr, found neither'),
    },
    {
      name: 'udp',
      summary: 'Serves UDP.',
      options: z.strictObject({
        addr: listenAddress('Where UDP is served.', { example: '0.0.0.0:6969' }),
        private_key: text('The secret of the connection ids.', { secret: true }),
      }),
    },
  ],
  stores: [
    {
      name: 'memory',
      summary: 'Keeps peers in memory.',
      options: z.strictObject({ gc_interval: duration('3m', 'How often old peers are removed.') }),
    },
    {
      name: 'remote',
      summary: 'Keeps peers elsewhere.',
      options: z.strictObject({ broker: text('Where.', { example: 'redis://127.0.0.1:6379/0' }) }),
    },
  ],
  hooks: [
    {
      name: 'client approval',
      summary: 'Refuses clients.',
      options: z.strictObject({ whitelist: textList([], 'Who may come.') }),
    },
    { name: 'other', summary: 'Something else.', options: z.strictObject({}) },
  ],
};
