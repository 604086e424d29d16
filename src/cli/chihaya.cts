#!/usr/bin/env node
/**
 * What is started: sees to the size of libuv's pool, of which each worker's UDP socket keeps a thread
 * (docs/adr/0006-batched-udp-socket.md), then goes on in main.ts. Node has made the pool by the time that it
 * runs an ES module; hence a CommonJS one, which it reads without.
 */

process.env.UV_THREADPOOL_SIZE ??= String(process.getBuiltinModule('node:os').availableParallelism() + 4);
void import('./main.ts');
