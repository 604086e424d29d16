/** `jwt`: serves those who show a JSON Web Token for the torrent, signed by a key of a JWK set. */

import { defineHook, type HookDependencies, type SourceDependencies } from '../middleware.ts';
import { options } from './config.ts';
import { JwtHook } from './hook.ts';
import { KeySource, type SharedKeys } from './key-source.ts';

export const jwtDriver = defineHook({
  name: 'jwt',
  summary: 'Serves those who show a JSON Web Token for the torrent in the announce URL.',
  options,
  share: (settings, dependencies: SourceDependencies<SharedKeys>) => KeySource.open(settings, dependencies),
  async create(settings, dependencies: HookDependencies<SharedKeys>) {
    return new JwtHook(await import('jose'), settings, dependencies);
  },
});
