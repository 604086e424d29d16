/** `chihaya e2e`: tests a running tracker from outside, over every address of both families. */

import { familyName } from '../../bittorrent/address-family.ts';
import { parseDuration } from '../../pkg/duration.ts';
import { tellUsage } from '../problems.ts';
import { checkSwarm } from './check-swarm.ts';
import { createHttpClient } from './http-client.ts';
import { type Target, targetsOf } from './targets.ts';
import { UnreachableError } from './tracker-client.ts';
import { createUdpClient } from './udp-client.ts';

const PASSED = 0;
const FAILED = 1;

export interface E2eFlags {
  readonly httpaddr: string;
  readonly udpaddr: string;
  readonly delay: string;
}

/** Prints what it finds and returns the exit code. */
export async function runE2e(flags: E2eFlags): Promise<number> {
  const delay = parseDuration(flags.delay);
  if (delay === undefined || delay < 0) {
    return tellUsage(`--delay: expected a duration such as 1s, found "${flags.delay}"`);
  }
  const urls: URL[] = [];
  for (const [flag, text, schemes] of [
    ['--httpaddr', flags.httpaddr, ['http:', 'https:']],
    ['--udpaddr', flags.udpaddr, ['udp:']],
  ] as const) {
    if (text === '') continue;
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (!url || !(schemes as readonly string[]).includes(url.protocol) || url.hostname === '') {
      return tellUsage(
        `${flag}: expected an address with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}, found "${text}"`,
      );
    }
    if (url.protocol === 'udp:' && url.port === '') {
      return tellUsage(`${flag}: expected a port, such as udp://127.0.0.1:6969, found "${text}"`);
    }
    urls.push(url);
  }
  if (urls.length === 0) return tellUsage('expected --httpaddr or --udpaddr or both, found neither');

  const results = await Promise.all(urls.map((url) => testUrl(url, delay)));
  return results.every((passed) => passed) ? PASSED : FAILED;
}

async function testUrl(url: URL, delay: number): Promise<boolean> {
  let targets: Target[];
  try {
    targets = await targetsOf(url);
  } catch (error) {
    print('failed', url.href, (error as Error).message);
    return false;
  }
  const results = await Promise.all(targets.map((target) => testTarget(target, delay)));
  return results.every((passed) => passed);
}

async function testTarget(target: Target, delay: number): Promise<boolean> {
  const { url, address, family, optional } = target;
  const what = `${url.href} over ${familyName(family)} (${address})`;
  const client = url.protocol === 'udp:' ? createUdpClient(target) : createHttpClient(target);
  try {
    await checkSwarm(client, delay);
    print('passed', what, '');
    return true;
  } catch (error) {
    const skipped = optional && error instanceof UnreachableError;
    print(skipped ? 'skipped' : 'failed', what, (error as Error).message);
    return skipped;
  }
}

function print(result: 'passed' | 'skipped' | 'failed', what: string, why: string): void {
  process.stdout.write(`${result}: ${what}${why === '' ? '' : `: ${why}`}\n`);
}
