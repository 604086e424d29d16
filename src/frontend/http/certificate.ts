/** The certificate and key of an HTTPS listener, read and tried before anything listens. */

import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';

/** A certificate or key that does not load; the message names the file and the reason. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
  /** The option at fault. */
  readonly option: 'tls_cert_path' | 'tls_key_path';

  constructor(option: CertificateError['option'], message: string) {
    super(message);
    this.option = option;
  }
}

/** @throws CertificateError for a file that cannot be read, is not PEM, or does not belong to the other */
export function loadCertificate(certPath: string, keyPath: string): SecureContextOptions {
  const cert = read('tls_cert_path', 'certificate', certPath);
  const key = read('tls_key_path', 'key', keyPath);
  tryContext('tls_cert_path', `expected a PEM certificate in ${certPath}`, { cert });
  tryContext('tls_key_path', `expected a PEM key that belongs to ${certPath} in ${keyPath}`, { cert, key });
  return { cert, key, minVersion: 'TLSv1.2' };
}

function read(option: CertificateError['option'], what: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CertificateError(option, `cannot read the ${what} in ${path}: ${code ?? message}`);
  }
}

function tryContext(
  option: CertificateError['option'],
  expectation: string,
  options: SecureContextOptions,
): void {
  try {
    createSecureContext(options);
  } catch (error) {
    throw new CertificateError(option, `${expectation}: ${(error as Error).message}`);
  }
}
