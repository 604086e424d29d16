/** A worker's log, over a message port as between threads. */

import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { HookError } from '../../src/middleware/hook-chain.ts';
import type { Logger, LogLine } from '../../src/pkg/logger.ts';
import { createPinoLogger } from '../../src/pkg/pino-logger.ts';
import { type PostedLine, PostingLogger, writeLine } from '../../src/server/posted-log.ts';
import { MemoryLogger } from '../support/memory-logger.ts';

/** What the supervisor logs when a worker has logged with `log`. */
function logged(log: (logger: Logger) => void): LogLine[] {
  const { port1, port2 } = new MessageChannel();
  log(new PostingLogger((line) => port1.postMessage(line)));
  const logger = new MemoryLogger();
  for (let next = receiveMessageOnPort(port2); next; next = receiveMessageOnPort(port2)) {
    writeLine((next as { message: PostedLine }).message, logger.child({ worker: 2 }));
  }
  port1.close();
  return logger.lines;
}

test('levels, texts and fields arrive, those of children too', () => {
  const lines = logged((logger) => {
    logger.debug('one');
    logger.info({ a: 1 }, 'two');
    const child = logger.child({ component: 'http' });
    child.warn({ list: [1, { b: null }] }, 'three');
    child.child({ component: 'udp', scheme: 'x' }).error('four');
  });
  expect(lines).toEqual([
    { level: 'debug', message: 'one', fields: { worker: 2 } },
    { level: 'info', message: 'two', fields: { worker: 2, a: 1 } },
    { level: 'warn', message: 'three', fields: { worker: 2, component: 'http', list: [1, { b: null }] } },
    { level: 'error', message: 'four', fields: { worker: 2, component: 'udp', scheme: 'x' } },
  ]);
});

test('errors keep their name, code, stack and cause', () => {
  const cause = Object.assign(new RangeError('too far'), { code: 'EFAR', detail: { at: 3 } });
  const error = new HookError('jwt', cause);
  const [line] = logged((logger) => logger.error({ err: error }, 'failed'));
  const arrived = line?.fields.err as Error & { cause: Error };
  expect(arrived).toBeInstanceOf(Error);
  expect(arrived.stack).toBe(error.stack);
  expect(arrived.message).toBe(error.message);
  expect(arrived.cause).toMatchObject({
    name: 'RangeError',
    message: 'too far',
    code: 'EFAR',
    detail: { at: 3 },
  });
  expect(arrived.cause.stack).toBe(cause.stack);
});

test('pino writes them as it does those of its own thread', async () => {
  const error = Object.assign(new TypeError('a bug'), { code: 'EBUG' });
  const texts: string[] = [];
  const logger = await createPinoLogger('json', false, { write: (text) => void texts.push(text) });
  logger.error({ err: error }, 'failed');
  const { port1, port2 } = new MessageChannel();
  new PostingLogger((line) => port1.postMessage(line)).error({ err: error }, 'failed');
  writeLine((receiveMessageOnPort(port2) as { message: PostedLine }).message, logger);
  port1.close();
  const [direct, posted] = texts.map((text) => ({ ...JSON.parse(text), time: '' }));
  expect(posted).toEqual(direct);
});

test('what cannot be sent does not keep the line from being written', () => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  const error = Object.assign(new Error('a bug'), { circle, method() {} });
  error.cause = error;
  const lines = logged((logger) => {
    logger.info({ circle, call: () => {}, big: 1n, symbol: Symbol('s') }, 'one');
    logger.error({ err: error }, 'two');
  });
  expect(lines.map(({ message }) => message)).toEqual(['one', 'two']);
  expect(lines[1]?.fields.err).toMatchObject({ message: 'a bug' });
});
