/** Reads bencoded answers (BEP 3), for the end-to-end test. Not for untrusted input of any size. */

/** Strings are bytes; the keys of dictionaries are text, a character a byte. */
export type Bencoded = number | Buffer | Bencoded[] | Map<string, Bencoded>;

const COLON = 0x3a;
const END = 0x65;

/** @throws Error if `bytes` is not one bencoded value */
export function bdecode(bytes: Buffer): Bencoded {
  const reader = new Reader(bytes);
  const value = reader.value();
  if (reader.at !== bytes.length) throw reader.mistake('the end');
  return value;
}

class Reader {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  value(): Bencoded {
    const start = String.fromCharCode(this.#bytes[this.at] ?? 0);
    if (start >= '0' && start <= '9') return this.#string();
    this.at++;
    if (start === 'i') return this.#number(END);
    if (start === 'l') return this.#list();
    if (start === 'd') return this.#dictionary();
    this.at--;
    throw this.mistake('a value');
  }

  mistake(expected: string): Error {
    return new Error(`expected ${expected} at byte ${this.at} of the answer, found another byte`);
  }

  #number(terminator: number): number {
    const end = this.#bytes.indexOf(terminator, this.at);
    const digits = end < 0 ? '' : this.#bytes.toString('latin1', this.at, end);
    if (!/^(0|-?[1-9]\d*)$/.test(digits)) throw this.mistake('a number');
    this.at = end + 1;
    return Number(digits);
  }

  #string(): Buffer {
    const length = this.#number(COLON);
    if (this.at + length > this.#bytes.length) throw this.mistake(`${length} more bytes`);
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  #list(): Bencoded[] {
    const list: Bencoded[] = [];
    while (this.#bytes[this.at] !== END) list.push(this.value());
    this.at++;
    return list;
  }

  #dictionary(): Map<string, Bencoded> {
    const dictionary = new Map<string, Bencoded>();
    while (this.#bytes[this.at] !== END) {
      const key = this.#string().toString('latin1');
      dictionary.set(key, this.value());
    }
    this.at++;
    return dictionary;
  }
}
