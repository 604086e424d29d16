/** What holds of connections, reloads and stops holds on Node's sockets, which serve where there are no others. */

import { describe } from 'vitest';
import { useSocket } from './support.ts';

useSocket('node');
describe('connections', async () => void (await import('./connection.test.ts')));
describe('reload', async () => void (await import('./reload.test.ts')));
describe('timeouts', async () => void (await import('./timeouts.test.ts')));
