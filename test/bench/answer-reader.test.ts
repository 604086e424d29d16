import { describe, expect, test } from 'vitest';
import { AnswerReader } from '../../bench/load/answer-reader.ts';

const answer = (body: string, status = '200 OK') =>
  Buffer.from(
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    'latin1',
  );
const TWO_PEERS = answer('d8:completei1e5:peers12:\x7f\0\0\x01\x1a\xe1\x7f\0\0\x02\x1a\xe1e');

describe('AnswerReader', () => {
  test('counts compact peers', () => {
    const reader = new AnswerReader();
    expect(reader.read(TWO_PEERS)).toBe(true);
    expect([reader.peers, reader.failure]).toEqual([2, '']);
  });

  test.each(Array.from({ length: TWO_PEERS.length - 1 }, (_, i) => i + 1))(
    'waits for the rest after %i bytes',
    (at) => {
      const reader = new AnswerReader();
      expect(reader.read(TWO_PEERS.subarray(0, at))).toBe(false);
      expect(reader.read(TWO_PEERS.subarray(at))).toBe(true);
      expect(reader.peers).toBe(2);
    },
  );

  test.each([
    ['a failure', answer('d14:failure reason12:invalid porte'), 'd14:failure reason12:invalid porte'],
    ['an answer without peers', answer('d8:completei1ee'), 'no peers in d8:completei1ee'],
    ['another status', answer('', '404 Not Found'), 'HTTP/1.1 404 Not Found'],
  ])('takes %s for one', (_what, bytes, failure) => {
    const reader = new AnswerReader();
    expect(reader.read(bytes)).toBe(true);
    expect(reader.failure).toContain(failure);
    reader.reset();
    expect(reader.read(TWO_PEERS)).toBe(true);
    expect([reader.peers, reader.failure]).toEqual([2, '']);
  });
});
