/** Certificates for tests, made by openssl: each signs itself, or an authority signs it. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export interface Certificate {
  /** Paths of PEM files. */
  readonly certificate: string;
  readonly key: string;
}

/** Who signs certificates, and two that it has signed. */
export interface Authority extends Certificate {
  readonly server: Certificate;
  readonly client: Certificate;
}

/** @param addresses the IP addresses that it is good for */
export function makeCertificate(directory: string, addresses: readonly string[]): Certificate {
  return make(directory, '', 'tracker under test', ['-addext', alternativeNames(addresses)]);
}

/** @param addresses the IP addresses that the server's certificate is good for */
export function makeAuthority(directory: string, addresses: readonly string[]): Authority {
  const authority = make(directory, 'authority-', 'authority of a test');
  const signed = ['-CA', authority.certificate, '-CAkey', authority.key];
  return {
    ...authority,
    server: make(directory, 'server-', 'server of a test', [
      ...signed,
      '-addext',
      alternativeNames(addresses),
    ]),
    client: make(directory, 'client-', 'client of a test', signed),
  };
}

function alternativeNames(addresses: readonly string[]): string {
  return `subjectAltName=${addresses.map((address) => `IP:${address}`).join(',')}`;
}

function make(
  directory: string,
  prefix: string,
  subject: string,
  options: readonly string[] = [],
): Certificate {
  const certificate = join(directory, `${prefix}certificate.pem`);
  const key = join(directory, `${prefix}key.pem`);
  execFileSync(
    'openssl',
    // biome-ignore format: one option a line
    [
      'req', '-x509', '-nodes', '-days', '2',
      '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
      '-subj', `/CN=${subject}`,
      ...options,
      '-keyout', key,
      '-out', certificate,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  return { certificate, key };
}
