/** A script that runs inside Redis, in one step, named by the SHA-1 of its text. */

import { createHash } from 'node:crypto';

export class Script {
  readonly text: string;
  readonly sha: string;

  constructor(text: string) {
    this.text = text;
    this.sha = createHash('sha1').update(text).digest('hex');
  }
}
