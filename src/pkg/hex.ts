/** Hexadecimal digits as bytes of text. */

/** The value of each digit's code, in either case; 255 for every other byte. */
export const HEX_VALUES = new Uint8Array(256).fill(255);
for (let i = 0; i < 10; i++) HEX_VALUES[0x30 + i] = i;
for (let i = 0; i < 6; i++) HEX_VALUES[0x41 + i] = HEX_VALUES[0x61 + i] = 10 + i;

/** Fills `target` from two digits a byte, from `at` on. Returns false, with `target` part filled, if one is none. */
export function readHex(text: Uint8Array, at: number, target: Uint8Array): boolean {
  let all = 0;
  for (let i = 0; i < target.length; i++) {
    const high = HEX_VALUES[text[at + 2 * i] as number] as number;
    const low = HEX_VALUES[text[at + 2 * i + 1] as number] as number;
    all |= high | low;
    target[i] = (high << 4) | low;
  }
  return all <= 15;
}
