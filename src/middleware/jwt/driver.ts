/** `jwt`: serves those who show a JSON Web Token for the torrent, signed by a key of a JWK set. */

import { defineHook, type HookDependencies, type SourceDependencies } from '../middleware.ts';
import { options } from './config.ts';
import type { SharedKeys } from './key-source.ts';

export const jwtDriver = defineHook({
  name: 'jwt',
  summary: 'Serves those who show a JSON Web Token for the torrent in the announce URL.',
  options,
  async share(settings, dependencies: SourceDependencies<SharedKeys>) {
    const { KeySource } = await import('./key-source.ts');
    return KeySource.open(settings, dependencies);
  },
  async create(settings, dependencies: HookDependencies<SharedKeys>) {
    // With it comes jose, which nobody else needs.
    const { JwtHook } = await import('./hook.ts');
    return new JwtHook(settings, dependencies);
  },
});
