/** What the metrics server answers: one page a path. */

export interface Page {
  readonly path: string;
  /** Whether it may be asked by POST, too; what is posted is not looked at. */
  readonly post?: true;
  /** Its failure is logged and answered with status 500. */
  answer(request: PageRequest): Answer | Promise<Answer>;
}

export interface PageRequest {
  readonly query: URLSearchParams;
  /** Aborted when whoever asked has gone. */
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** A line of text. */
export function sentence(status: number, text: string): Answer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: `${text}\n` };
}
