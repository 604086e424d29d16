/** Certificates for tests, made by openssl: each signs itself. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export interface Certificate {
  /** Paths of PEM files. */
  readonly certificate: string;
  readonly key: string;
}

/** @param addresses the IP addresses that it is good for */
export function makeCertificate(directory: string, addresses: readonly string[]): Certificate {
  const certificate = join(directory, 'certificate.pem');
  const key = join(directory, 'key.pem');
  const names = addresses.map((address) => `IP:${address}`).join(',');
  execFileSync(
    'openssl',
    // biome-ignore format: one option a line
    [
      'req', '-x509', '-nodes', '-days', '2',
      '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
      '-subj', '/CN=tracker under test',
      '-addext', `subjectAltName=${names}`,
      '-keyout', key,
      '-out', certificate,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  return { certificate, key };
}
