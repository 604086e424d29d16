import { expect, test } from 'vitest';
import type { Logger } from '../../src/pkg/logger.ts';
import { createPinoLogger, type LogFormat } from '../../src/pkg/pino-logger.ts';

async function logged(format: LogFormat, debug: boolean, log: (logger: Logger) => void): Promise<string> {
  const lines: string[] = [];
  log(await createPinoLogger(format, debug, { write: (line) => void lines.push(line) }));
  return lines.join('');
}

test('JSON: a line with level, time, fields and message, and nothing of the machine', async () => {
  const output = await logged('json', false, (logger) =>
    logger.child({ component: 'udp' }).warn({ n: 1 }, 'hello'),
  );
  const { time, ...line } = JSON.parse(output) as Record<string, unknown>;
  expect(line).toEqual({ level: 'warn', component: 'udp', n: 1, msg: 'hello' });
  expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test('text: one line, without colours', async () => {
  const output = await logged('text', false, (logger) => logger.info({ n: 1 }, 'hello'));
  expect(output).toMatch(/^\[[\d-]+ [\d:.]+\] INFO: hello \{"n":1\}\n$/);
});

test('colour: with colours', async () => {
  const output = await logged('colour', false, (logger) => logger.error('hello'));
  expect(output).toContain('\u001b[');
  expect(output).toContain('hello');
});

test('debug lines only when asked for', async () => {
  const log = (logger: Logger) => logger.debug('hello');
  expect(await logged('json', false, log)).toBe('');
  expect(await logged('json', true, log)).toContain('"level":"debug"');
});
