/** Address families. IPv4 and IPv6 swarms are separate everywhere: counts, peers and scrapes never mix. */

export const AddressFamily = { IPv4: 4, IPv6: 6 } as const;

/** `4` or `6`. */
export type AddressFamily = (typeof AddressFamily)[keyof typeof AddressFamily];

/** Bytes of an address: 4 or 16. */
export function addressLength(family: AddressFamily): 4 | 16 {
  return family === AddressFamily.IPv4 ? 4 : 16;
}

/** Bytes of a compact peer, address then port (BEP 23, BEP 7): 6 or 18. */
export function compactPeerLength(family: AddressFamily): 6 | 18 {
  return family === AddressFamily.IPv4 ? 6 : 18;
}

/** The name used in metrics, logs and Redis keys: `IPv4` or `IPv6`. */
export function familyName(family: AddressFamily): 'IPv4' | 'IPv6' {
  return family === AddressFamily.IPv4 ? 'IPv4' : 'IPv6';
}
