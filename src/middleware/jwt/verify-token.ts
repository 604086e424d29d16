/** Whether a token (RFC 7519) is good for an infohash, and if not, why: for the metrics, since clients are told nothing. */

import { decodeProtectedHeader, type JWTVerifyOptions, jwtVerify } from 'jose';
import type { KeySet } from './key-set.ts';

/** Why a token was refused. */
export type Refusal =
  | 'malformed'
  | 'unknown key'
  | 'algorithm'
  | 'signature'
  | 'expired'
  | 'not yet valid'
  | 'issuer or audience'
  | 'infohash';

/** The key that a token names; `undefined` if it is no token, or names none. */
export function keyIdOf(token: string): string | undefined {
  try {
    const { kid } = decodeProtectedHeader(token);
    return typeof kid === 'string' ? kid : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Resolves to when the token expires, in milliseconds since 1970, or to what is wrong with it. Rejects if it is the key that
 * is of no use.
 *
 * @param infohash as hex, in lower case
 */
export async function verifyToken(
  token: string,
  infohash: string,
  keys: KeySet,
  options: JWTVerifyOptions,
): Promise<number | Refusal> {
  try {
    const { payload } = await jwtVerify(token, keys.find, options);
    if (typeof payload.infohash !== 'string' || payload.infohash.toLowerCase() !== infohash)
      return 'infohash';
    return payload.exp === undefined ? Number.POSITIVE_INFINITY : payload.exp * 1000;
  } catch (error) {
    return refusal(error as { code?: unknown; claim?: unknown });
  }
}

function refusal(error: { readonly code?: unknown; readonly claim?: unknown }): Refusal {
  switch (error.code) {
    case 'ERR_JWT_EXPIRED':
      return 'expired';
    case 'ERR_JWT_CLAIM_VALIDATION_FAILED':
      return error.claim === 'nbf' ? 'not yet valid' : 'issuer or audience';
    case 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED':
      return 'signature';
    case 'ERR_JOSE_ALG_NOT_ALLOWED':
      return 'algorithm';
    case 'ERR_JWKS_NO_MATCHING_KEY':
    case 'ERR_JWKS_MULTIPLE_MATCHING_KEYS':
      return 'unknown key';
  }
  // What else jose finds wrong with a token has a code of its kind; anything else comes of the key.
  if (typeof error.code === 'string' && /^ERR_J/.test(error.code)) return 'malformed';
  throw error;
}
