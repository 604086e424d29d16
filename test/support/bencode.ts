/** Bencoding (BEP 3), for tests: independent of the tracker's own. Strings are bytes. */

export type Bencodable =
  | number
  | string
  | Uint8Array
  | readonly Bencodable[]
  | ReadonlyMap<string, Bencodable>;
export type Bencoded = number | Buffer | Bencoded[] | Map<string, Bencoded>;

/** Keys are latin1 and are sorted. */
export function bencode(value: Bencodable): Buffer {
  if (typeof value === 'number') return Buffer.from(`i${value}e`);
  if (typeof value === 'string') return bencode(Buffer.from(value, 'latin1'));
  if (value instanceof Uint8Array) return Buffer.concat([Buffer.from(`${value.length}:`), value]);
  if (value instanceof Map) {
    const pairs = [...value].sort(([a], [b]) => (a < b ? -1 : 1));
    return Buffer.concat([Buffer.from('d'), ...pairs.flat().map((part) => bencode(part)), Buffer.from('e')]);
  }
  return Buffer.concat([
    Buffer.from('l'),
    ...(value as Bencodable[]).map((part) => bencode(part)),
    Buffer.from('e'),
  ]);
}

/** @throws Error for anything that is not one bencoded value, with its keys sorted, from end to end */
export function bdecode(bytes: Buffer): Bencoded {
  let at = 0;
  const fail = (): never => {
    throw new Error(`not bencoded at byte ${at}: ${bytes.toString('latin1')}`);
  };
  const until = (mark: string): string => {
    const end = bytes.indexOf(mark, at, 'latin1');
    if (end < 0) fail();
    const text = bytes.toString('latin1', at, end);
    at = end + 1;
    return text;
  };
  const read = (): Bencoded => {
    const kind = String.fromCharCode(bytes[at] ?? fail());
    if (kind === 'i') {
      at++;
      const digits = until('e');
      return /^(0|-?[1-9]\d*)$/.test(digits) ? Number(digits) : fail();
    }
    if (kind === 'l') {
      const list: Bencoded[] = [];
      for (at++; bytes[at] !== 0x65; ) list.push(read());
      at++;
      return list;
    }
    if (kind === 'd') {
      const map = new Map<string, Bencoded>();
      let last = '';
      for (at++; bytes[at] !== 0x65; ) {
        const key = read();
        if (!Buffer.isBuffer(key)) return fail();
        const text = key.toString('latin1');
        if (map.size > 0 && text <= last) return fail();
        last = text;
        map.set(text, read());
      }
      at++;
      return map;
    }
    const length = until(':');
    if (!/^(0|[1-9]\d*)$/.test(length) || at + Number(length) > bytes.length) fail();
    const text = bytes.subarray(at, at + Number(length));
    at += Number(length);
    return text;
  };
  const value = read();
  return at === bytes.length ? value : fail();
}
