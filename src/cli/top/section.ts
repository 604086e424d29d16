/** A part of the view: a title, and lines of text. */

export interface Section {
  readonly title: string;
  readonly lines: readonly string[];
  /** Whether lines at its end may be left out where room is short. */
  readonly elastic?: boolean;
  /** Whether what it tells wants attention. */
  readonly alarm?: boolean;
}

const BETWEEN = '   ';

/** Puts as many of the parts on a line as go there. */
export function flow(parts: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last === undefined || last.length + BETWEEN.length + part.length > width) lines.push(part);
    else lines[lines.length - 1] = last + BETWEEN + part;
  }
  return lines;
}
