/** What a paced generator has counted: one line of JSON for whoever started it. */

import { print } from '../support/print.ts';

export class Tally {
  sent = 0;
  /** Answers that are none of an announce, and what the first of them was. */
  wrong = 0;
  firstWrong = '';
  /** Answers that came again. */
  twice = 0;
  /** Good answers by the interval that they tell: which configuration gave them. */
  readonly intervals = new Map<number, number>();
  /** Certificates that were shown. */
  readonly certificates = new Set<string>();

  answered(interval: number): void {
    this.intervals.set(interval, (this.intervals.get(interval) ?? 0) + 1);
  }

  fail(text: string): void {
    this.wrong++;
    this.firstWrong ||= text;
  }

  print(): void {
    const { sent, wrong, firstWrong, twice } = this;
    const intervals = Object.fromEntries(this.intervals);
    const certificates = this.certificates.size;
    print(JSON.stringify({ sent, wrong, firstWrong, twice, intervals, certificates } satisfies TallyReport));
  }
}

export interface TallyReport {
  readonly sent: number;
  readonly wrong: number;
  readonly firstWrong: string;
  readonly twice: number;
  readonly intervals: Readonly<Record<string, number>>;
  readonly certificates: number;
}

/** Good answers. */
export function answeredOf({ intervals }: TallyReport): number {
  return Object.values(intervals).reduce((sum, count) => sum + count, 0);
}
