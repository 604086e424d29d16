/** The addresses at which a tracker's URL is to be tested: one of each family that its host has. */

import { lookup } from 'node:dns/promises';

export interface Target {
  readonly url: URL;
  readonly address: string;
  readonly family: 4 | 6;
  /** Whether it may be skipped if nobody answers there: the URL does not promise this family. */
  readonly optional: boolean;
}

const LOOPBACK = ['localhost', '127.0.0.1'];

/** @throws Error if the host has no address */
export async function targetsOf(url: URL): Promise<Target[]> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const found = await lookup(host, { all: true });
  const targets: Target[] = [];
  for (const family of [4, 6] as const) {
    const address = found.find((entry) => entry.family === family)?.address;
    // A name that has both may stand for a host that serves one of them only.
    if (address)
      targets.push({
        url,
        address,
        family,
        optional: family === 6 && found.some((entry) => entry.family === 4),
      });
  }
  if (LOOPBACK.includes(host) && !targets.some(({ family }) => family === 6)) {
    targets.push({ url, address: '::1', family: 6, optional: true });
  }
  return targets;
}
