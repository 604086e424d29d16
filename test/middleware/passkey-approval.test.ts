import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { z } from 'zod';
import { RequestContext } from '../../src/bittorrent/context.ts';
import type { Params } from '../../src/bittorrent/params.ts';
import { ScrapeResponse } from '../../src/bittorrent/scrape.ts';
import { parseText } from '../../src/config/load.ts';
import type { ConfigError } from '../../src/config/problem.ts';
import { invalidPasskey, passkeyApprovalDriver } from '../../src/middleware/passkey-approval/driver.ts';
import { builtIn } from '../../src/server/built-in.ts';
import { describeHook } from '../conformance/hook.ts';
import { approves } from '../support/approval.ts';
import { eventually } from '../support/eventually.ts';
import { MemoryLogger } from '../support/memory-logger.ts';
import { openHook } from '../support/open-hook.ts';
import { announce, scrape } from '../support/requests.ts';

const KEY = '0123456789abcdef0123456789abcdef';
const OTHER = 'Kq-_.~Z9';

/** Sets path and query, as a frontend does. */
function target<Request extends { readonly params: Params }>(request: Request, url: string): Request {
  const [path = '', query] = url.split('?');
  const bytes = Buffer.from(url, 'latin1');
  const queryStart = query === undefined ? bytes.length : path.length + 1;
  request.params.assign(bytes, 0, path.length, queryStart, bytes.length);
  return request;
}

function routed(passkey: string, name = 'passkey'): RequestContext {
  const context = new RequestContext();
  context.routeParams = new Map([[name, passkey]]);
  return context;
}

describeHook(passkeyApprovalDriver, {
  valid: [
    { keys: [KEY, OTHER] },
    { keys: [KEY], route_parameter: 'user', query_parameter: 'pk', protect_scrape: true },
  ],
  invalid: [
    { options: {}, path: 'keys_file', message: 'expected keys or a keys_file, found neither' },
    { options: { keys: ['short12'] }, path: 'keys.0', message: 'a passkey of 8 to 64 letters' },
    { options: { keys: [KEY, 'x'.repeat(65)] }, path: 'keys.1', message: 'a passkey of 8 to 64 letters' },
    { options: { keys: ['with space'] }, path: 'keys.0', message: 'a passkey of 8 to 64 letters' },
    { options: { keys: ['unescaped/é'] }, path: 'keys.0', message: 'a passkey of 8 to 64 letters' },
    { options: { keys: [12345678] }, path: 'keys.0', message: 'in quotes' },
    { options: { keys: [KEY], route_parameter: ':passkey' }, path: 'route_parameter', message: 'a name of' },
    { options: { keys: [KEY], query_parameter: '' }, path: 'query_parameter', message: 'a name of' },
  ],
  announces: [
    `/announce?passkey=${KEY}`,
    `/announce?pk=${KEY}`,
    `/announce?passkey=${OTHER}`,
    '/announce?passkey=none',
    `/${KEY}/announce`,
    '/announce',
    '',
  ].map((url) => target(announce(), url)),
  scrapesPass: false,
});

describe('passkey approval', () => {
  async function open(options: z.input<typeof passkeyApprovalDriver.options>, logger = new MemoryLogger()) {
    const { hook, stop } = await openHook(passkeyApprovalDriver, options, { logger });
    onTestFinished(stop);
    return {
      logger,
      hook,
      approves: (url: string, context?: RequestContext) => approves(hook, target(announce(), url), context),
    };
  }

  it('tells the client why', async () => {
    expect(invalidPasskey.message).toBe('unapproved request: invalid passkey');
    const { hook } = await open({ keys: [KEY] });
    expect(() => hook.handleAnnounce(new RequestContext(), announce(), undefined as never)).toThrow(
      invalidPasskey,
    );
  });

  it.each([
    [`/announce?passkey=${KEY}`, true],
    [`/announce?a=b&PASSKEY=${KEY}&c=d`, true],
    [`/announce?passkey=${OTHER.replace('~', '%7e')}`, true],
    [`/announce?passkey=${KEY.toUpperCase()}`, false],
    [`/announce?passkey=${KEY.slice(1)}`, false],
    [`/announce?passkey=${KEY}0`, false],
    [`/announce?passkey=${KEY}%00`, false],
    [`/announce?passkey=${KEY}&passkey=`, false],
    [`/announce?passkey=${'0'.repeat(64)}`, false],
    [`/announce?passkey=${KEY.repeat(100)}`, false],
    ['/announce?passkey=', false],
    ['/announce', false],
    // Over UDP, where there are no routes.
    [`/${KEY}/announce`, true],
    [`/${KEY}/announce?jwt=x`, true],
    [`/x/${KEY}/announce`, false],
    [`/${KEY}/scrape`, false],
    [`/${KEY}`, false],
    [`/${OTHER}0/announce`, false],
    // What the query says counts before what the path may mean.
    [`/${KEY}/announce?passkey=${OTHER}0`, false],
    [`/${OTHER}0/announce?passkey=${KEY}`, true],
    ['', false],
  ])('of an announce to %s: %s', async (url, approved) => {
    const { approves } = await open({ keys: [KEY, OTHER] });
    expect(approves(url)).toBe(approved);
  });

  it.each([
    [KEY, true],
    [OTHER, true],
    [`${KEY}0`, false],
    ['', false],
    ['é'.repeat(8), false],
    ['\u0130\u0131\u0132\u0133\u0134\u0135\u0136\u0137', false],
    [KEY.repeat(1000), false],
  ])('of the route parameter %s: %s', async (passkey, approved) => {
    const { approves } = await open({ keys: [KEY, OTHER] });
    expect(approves('/x/announce', routed(passkey))).toBe(approved);
    expect(approves(`/x/announce?passkey=${KEY}`, routed(passkey))).toBe(approved);
  });

  it('goes by the names that are configured', async () => {
    const { approves } = await open({ keys: [KEY], route_parameter: 'user', query_parameter: 'Pid' });
    expect(approves('/x/announce', routed(KEY, 'user'))).toBe(true);
    expect(approves('/x/announce', routed(KEY))).toBe(false);
    expect(approves(`/announce?pid=${KEY}`)).toBe(true);
    expect(approves(`/announce?passkey=${KEY}`)).toBe(false);
  });

  it('has scrapes show a key, unless they need not', async () => {
    const scrapes = async (
      protect_scrape: boolean | undefined,
      url: string,
      context = new RequestContext(),
    ) => {
      const { hook } = await open({
        keys: [KEY],
        ...(protect_scrape === undefined ? {} : { protect_scrape }),
      });
      try {
        hook.handleScrape(context, target(scrape([]), url), new ScrapeResponse());
        return true;
      } catch (error) {
        expect(error).toBe(invalidPasskey);
        return false;
      }
    };
    expect(await scrapes(undefined, `/scrape?passkey=${KEY}`)).toBe(true);
    expect(await scrapes(true, '/x/scrape', routed(KEY))).toBe(true);
    expect(await scrapes(undefined, '/scrape')).toBe(false);
    expect(await scrapes(true, '/x/scrape', routed(OTHER))).toBe(false);
    expect(await scrapes(false, '/scrape')).toBe(true);
  });

  it('reads keys from a file that may change, and never shows one', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'chihaya-passkeys-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const path = join(directory, 'keys');
    const write = (text: string) => {
      writeFileSync(`${path}.new`, text);
      renameSync(`${path}.new`, path);
    };
    write(`${OTHER} # of somebody\n`);
    const { approves, logger } = await open({ keys: [KEY], keys_file: path });
    const approved = () => [KEY, OTHER, 'another1'].filter((key) => approves(`/announce?passkey=${key}`));
    expect(approved()).toEqual([KEY, OTHER]);
    write('another1\n');
    await eventually('replaced', () => approves('/announce?passkey=another1'));
    expect(approved()).toEqual([KEY, 'another1']);
    const errors = () => logger.lines.filter(({ level }) => level === 'error').map(({ message }) => message);
    write(`${OTHER}\nwrong key\n`);
    await eventually('told', () => errors().length === 1);
    write(OTHER);
    await eventually('told', () => errors().length === 2);
    expect(errors()).toEqual([
      `${path}:2: expected a passkey of 8 to 64 letters, digits, "-", ".", "_" and "~", found another value (not shown: it is secret); the list stays as it was`,
      `${path}:1: expected a line end after the last entry, which may have been cut off; the list stays as it was`,
    ]);
    expect(approved()).toEqual([KEY, 'another1']);
    write('');
    await eventually('emptied', () => !approves('/announce?passkey=another1'));
    expect(approved()).toEqual([KEY]);
    expect(JSON.stringify(logger.lines)).not.toMatch(new RegExp(`${KEY}|${OTHER}|another1|wrong key`));
  });

  it('keeps keys out of the log of the configuration and out of its mistakes', () => {
    const config = (key: string) =>
      parseText(
        `chihaya:\n  prehooks:\n    - name: passkey approval\n      options:\n        keys: ["${key}"]\n`,
        'x.yaml',
        builtIn,
      );
    expect(config(KEY).prehooks[0]?.shown).toMatchObject({ keys: '<redacted>' });
    let problems: readonly string[] = [];
    try {
      config('wrong key');
    } catch (error) {
      problems = (error as ConfigError).problems;
    }
    expect(problems).toEqual([
      'x.yaml:5:16: prehooks[0].options.keys[0]: expected a passkey of 8 to 64 letters, digits, "-", ".", "_" and "~", in quotes, found another value (not shown: it is secret)',
    ]);
  });
});
