/** A server of a JWK set, as an issuer of tokens has one, and keys to sign with. */

import type { webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import type { Certificate } from './certificate.ts';

export const ISSUER = 'https://issuer.example';
export const AUDIENCE = 'https://tracker.example';

/** A key pair: what the set shows of it, and tokens that it signs. */
export class SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly jwk: JWK;
  readonly #privateKey: webcrypto.CryptoKey;

  static async make(kid: string, alg = 'RS256'): Promise<SigningKey> {
    const { publicKey, privateKey } = await generateKeyPair(alg);
    return new SigningKey(kid, alg, { ...(await exportJWK(publicKey)), kid }, privateKey);
  }

  private constructor(kid: string, alg: string, jwk: JWK, privateKey: webcrypto.CryptoKey) {
    this.kid = kid;
    this.alg = alg;
    this.jwk = jwk;
    this.#privateKey = privateKey;
  }

  /** A token for `infohash` (hex) that is good for ten minutes, but for what `claims` and `header` say. */
  token(
    infohash: string,
    claims: Readonly<Record<string, unknown>> = {},
    header: Record<string, unknown> = {},
  ): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ iss: ISSUER, aud: AUDIENCE, exp: now + 600, infohash, ...claims })
      .setProtectedHeader({ alg: this.alg, kid: this.kid, ...header })
      .sign(this.#privateKey);
  }
}

export class KeyServer {
  /** What the set shows from now on. */
  keys: readonly JWK[];
  /** How often it has been asked for. */
  requests = 0;
  /** What is answered instead of the set. */
  instead: ((response: ServerResponse) => void) | undefined;
  readonly #server: Server;
  readonly #scheme: string;
  readonly #host: string;

  static async start(
    keys: readonly JWK[],
    { certificate, host = '127.0.0.1' }: { certificate?: Certificate; host?: string } = {},
  ): Promise<KeyServer> {
    let server: KeyServer | undefined;
    const handle = (_request: IncomingMessage, response: ServerResponse) => server?.handle(response);
    const listener = certificate
      ? createHttpsServer(
          { cert: readFileSync(certificate.certificate), key: readFileSync(certificate.key) },
          handle,
        )
      : createHttpServer(handle);
    await new Promise<void>((resolve) => listener.listen(0, host, resolve));
    server = new KeyServer(listener, keys, certificate ? 'https' : 'http', host);
    return server;
  }

  private constructor(server: Server, keys: readonly JWK[], scheme: string, host: string) {
    this.#server = server;
    this.keys = keys;
    this.#scheme = scheme;
    this.#host = host;
  }

  get url(): string {
    return `${this.#scheme}://${this.#host}:${(this.#server.address() as AddressInfo).port}/keys`;
  }

  handle(response: ServerResponse): void {
    this.requests++;
    if (this.instead) this.instead(response);
    else response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: this.keys }));
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}
