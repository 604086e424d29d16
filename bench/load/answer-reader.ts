/** Reads one HTTP answer to an announce, as far as a load generator must: to its end, and how many peers it has. */

const HEAD_END = Buffer.from('\r\n\r\n');
const PEERS = Buffer.from('5:peers');
const FAILURE = 'd14:failure reason';
const COMPACT_PEER = 6;

export class AnswerReader {
  /** Of the answer read last. */
  peers = 0;
  /** What is wrong with it, or what the tracker said is wrong with the request; empty if nothing. */
  failure = '';
  #received: Buffer | undefined;

  /** Makes ready for another answer. */
  reset(): void {
    this.peers = 0;
    this.failure = '';
    this.#received = undefined;
  }

  /** Takes in what has come. Returns whether the answer is complete. */
  read(bytes: Buffer): boolean {
    const received = this.#received ? Buffer.concat([this.#received, bytes]) : bytes;
    this.#received = received;
    const headEnd = received.indexOf(HEAD_END);
    if (headEnd < 0) return false;
    const head = received.toString('latin1', 0, headEnd);
    const length = /^content-length: *(\d+)/im.exec(head)?.[1];
    if (!/^HTTP\/1\.[01] 200 /.test(head) || length === undefined) {
      this.failure = head;
      return true;
    }
    const body = headEnd + HEAD_END.length;
    if (received.length < body + Number(length)) return false;
    this.#readBody(received, body);
    return true;
  }

  #readBody(bytes: Buffer, body: number): void {
    const at = bytes.indexOf(PEERS, body);
    if (at < 0) {
      const text = bytes.toString('latin1', body);
      this.failure = text.startsWith(FAILURE) ? text : `no peers in ${text}`;
      return;
    }
    this.peers =
      Number.parseInt(bytes.toString('latin1', at + PEERS.length, at + PEERS.length + 5), 10) / COMPACT_PEER;
  }
}
