import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { infohashesOf } from '../../src/bittorrent/torrent-file.ts';
import { type Bencodable, bencode } from '../support/bencode.ts';
import { makeTorrent } from '../support/torrent.ts';

const hex = (bytes: Uint8Array): string[] =>
  infohashesOf(bytes).map((hash) => Buffer.from(hash).toString('hex'));
const bytes = (text: string) => Buffer.from(text, 'latin1');

describe('infohashesOf', () => {
  // The hashes are those that `sha1sum` and `sha256sum` print for the bytes of the info value.
  it.each([
    ['v1', 'd8:announce1:x4:infod4:name1:a6:pieces0:ee', ['476ddb96349da91298ede87b9ffff035959e4143']],
    [
      'v2',
      'd4:infod9:file treede12:meta versioni2e4:name1:aee',
      ['379a40bf2b8b1f6db574e00723db21cf1f3b3da7'],
    ],
    [
      'hybrid',
      'd4:infod12:meta versioni2e6:pieces0:ee',
      ['810c7a83166568622e1712c14410243cd836d31c', '4bbc2b7563b4ec457114b60a477c5d5775a0f80d'],
    ],
  ])('of a torrent of kind %s', (_, torrent, hashes) => {
    expect(hex(bytes(torrent))).toEqual(hashes);
  });

  it('takes the bytes of the info value as they stand, whatever their order', () => {
    const { file, infohash } = makeTorrent('name', Buffer.alloc(100_000), 'http://x/announce');
    expect(hex(file)).toEqual([infohash]);
    expect(hex(bytes('d4:infod6:pieces0:4:name1:aee'))).not.toEqual(
      hex(bytes('d4:infod4:name1:a6:pieces0:ee')),
    );
  });

  it.each([
    ['', 'expected a dictionary at byte 0, found the end of the file'],
    ['4:info', 'expected a dictionary at byte 0, found something else'],
    ['d4:infod6:pieces0:ee\n', 'expected the end of the file at byte 20, found something else'],
    ['d4:infod6:pieces0:e', 'expected a bencoded value at byte 19, found the end of the file'],
    [
      'd4:infod6:pieces9:abce',
      'expected a string that ends within the file at byte 16, found something else',
    ],
    ['d4:info1:xe', 'expected a dictionary at byte 7, found something else'],
    ['d5:otherd6:pieces0:ee', 'expected a dictionary with the key "info", found one without'],
    [
      'd4:infod4:name1:aee',
      'expected "pieces" or a "meta version" in the "info" of a torrent, found neither',
    ],
    [
      'd4:infod12:meta versioni3eee',
      'expected version 2 as the "meta version" at byte 23, found something else',
    ],
    [
      'd4:infod6:pieces0:e4:infod6:pieces1:xee',
      'expected the key "info" once at byte 19, found something else',
    ],
    ['d1:ai01e4:infod6:pieces0:ee', 'expected an integer at byte 5, found something else'],
    ['d1:ai-0e4:infod6:pieces0:ee', 'expected an integer at byte 5, found something else'],
    ['d1:aie4:infod6:pieces0:ee', 'expected an integer at byte 5, found something else'],
    ['d1:a01:x4:infod6:pieces0:ee', 'expected a bencoded value at byte 4, found something else'],
    [
      'd1:a99999999999999999999:x',
      'expected a string that ends within the file at byte 4, found something else',
    ],
    ['di1e1:xe', 'expected a bencoded value at byte 1, found something else'],
    [
      `d1:a${'l'.repeat(100_000)}`,
      'expected at most 256 lists and dictionaries within each other at byte 259, found something else',
    ],
  ])('refuses %j', (torrent, message) => {
    expect(() => infohashesOf(bytes(torrent))).toThrow(new Error(message));
  });

  it('finds its way past anything that is bencoded, and refuses every beginning of it', () => {
    const value: fc.Arbitrary<Bencodable> = fc.letrec<{ value: Bencodable }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.integer(),
        fc.uint8Array({ maxLength: 30 }),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.string({ maxLength: 5 }).map(latin1), tie('value'), { maxKeys: 4 }).map(toMap),
      ),
    })).value;
    const info = new Map<string, Bencodable>([['pieces', '']]);
    fc.assert(
      fc.property(value, value, fc.nat(), (before, after, cut) => {
        const torrent = bencode(
          new Map<string, Bencodable>([
            ['a', before],
            ['info', info],
            ['z', after],
          ]),
        );
        expect(hex(torrent)).toEqual(['d38308ebeda8a85e730b9393f0bb37970c57e78f']);
        expect(() => infohashesOf(torrent.subarray(0, cut % torrent.length))).toThrow('expected');
      }),
    );
  });
});

function latin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function toMap(record: Record<string, Bencodable>): Map<string, Bencodable> {
  return new Map(Object.entries(record));
}
