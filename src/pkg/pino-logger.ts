/**
 * The tracker's own Logger: pino, to standard error.
 *
 * Lines are written synchronously, so that none is lost when the process ends. They are few: nothing
 * is logged per request but failures, and with `debug`.
 */

import { type DestinationStream, destination, type Logger as Pino, pino, stdTimeFunctions } from 'pino';

/** How lines look: for people, for people at a colour terminal, or one JSON object a line. */
export type LogFormat = 'text' | 'colour' | 'json';

const STANDARD_ERROR = 2;

/** @param stream where lines go; by default standard error */
export async function createPinoLogger(
  format: LogFormat,
  debug: boolean,
  stream?: DestinationStream,
): Promise<Pino> {
  const sink = stream ?? standardError();
  return pino(
    {
      level: debug ? 'debug' : 'info',
      // Neither process id nor host name: whoever collects the lines adds them.
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    format === 'json' ? sink : await pretty(sink, format === 'colour'),
  );
}

function standardError(): DestinationStream {
  const sink = destination({ dest: STANDARD_ERROR, sync: true });
  // Nobody reads any more: no reason to stop serving, and nowhere left to say so.
  sink.on('error', () => {});
  return sink;
}

/** Loaded only for people: it takes longer than everything else here. */
async function pretty(sink: DestinationStream, colorize: boolean): Promise<DestinationStream> {
  const { prettyFactory } = await import('pino-pretty');
  const format = prettyFactory({
    colorize,
    singleLine: true,
    translateTime: 'SYS:yyyy-mm-dd HH:MM:ss.l',
  });
  return { write: (line) => sink.write(format(line)) };
}
