import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Params } from '../../src/bittorrent/params.ts';

/** The parameters of `target`, which lies in the middle of other bytes. */
function paramsOf(target: string): Params {
  const bytes = Buffer.from(`/x?a=b${target}&a=c`, 'latin1');
  const end = bytes.length - 4;
  const question = bytes.indexOf('?', 6);
  const pathEnd = question < 0 || question >= end ? end : question;
  const params = new Params();
  params.assign(bytes, 6, pathEnd, Math.min(pathEnd + 1, end), end);
  return params;
}

function value(params: Params, name: string, room = 100): string | undefined {
  const target = new Uint8Array(room);
  const length = params.readValue(Buffer.from(name), target);
  return length < 0 ? undefined : Buffer.from(target.subarray(0, length)).toString('latin1');
}

describe('readValue', () => {
  it.each([
    ['/announce?passkey=abc', 'abc'],
    ['/announce?a=1&passkey=abc&b=2', 'abc'],
    ['/announce?passkey=first;PassKey=last', 'last'],
    ['/announce?pass%6bey=a%2Bb+c', 'a+b c'],
    ['/announce?passkey', ''],
    ['/announce?passkey=a=b', 'a=b'],
    ['/announce?passkey=whole&passkey=%4', 'whole'],
    ['/announce?passkeys=abc&asskey=abc&passke=y', undefined],
    ['/announce?%zzpasskey=abc', undefined],
    ['/announce', undefined],
  ])('%s', (target, expected) => {
    expect(value(paramsOf(target), 'passkey')).toBe(expected);
  });

  it('tells the length of a value that there is no room for', () => {
    const target = Uint8Array.of(1, 1, 1, 1);
    const params = paramsOf('/announce?passkey=abcdef');
    expect(params.readValue(Buffer.from('passkey'), target.subarray(0, 2))).toBe(6);
    expect([...target]).toEqual([0x61, 0x62, 1, 1]);
  });

  it('agrees with getBytes', () => {
    const piece = fc.constantFrom(
      'k',
      'K',
      'ey',
      'EY',
      '%6b',
      '%4B',
      '%',
      '%zz',
      '+',
      '=',
      '&',
      ';',
      'x',
      '',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const params = paramsOf(`/announce?${pieces.join('')}`);
        const bytes = params.getBytes('key');
        expect(value(params, 'key')).toBe(bytes && Buffer.from(bytes).toString('latin1'));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('readSegment', () => {
  it.each([
    ['/abc/announce', 'abc'],
    ['/abc/announce?passkey=x', 'abc'],
    ['/a%62c/announce', 'abc'],
    ['/a%2Fc/announce', 'a/c'],
    ['/announce', undefined],
    ['//announce', undefined],
    ['/abc/announce/', undefined],
    ['/abc/scrape', undefined],
    ['/a/b/announce', undefined],
    ['abc/announce', undefined],
    ['/a+c/announce', undefined],
    ['/a%c/announce', undefined],
    ['', undefined],
  ])('%s', (target, expected) => {
    const room = new Uint8Array(10);
    const length = paramsOf(target).readSegment(Buffer.from('/announce'), room);
    expect(length < 0 ? undefined : Buffer.from(room.subarray(0, length)).toString()).toBe(expected);
  });
});
