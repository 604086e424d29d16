#!/usr/bin/env node
/**
 * The command line.
 *
 * Exit codes: 0 after a stop that was asked for, 1 if the tracker cannot start or fails, or a command finds
 * something wrong, 2 for a command line that cannot be understood.
 */

import { Command, CommanderError } from 'commander';
import { version } from '../server/build-info.ts';
import { addCommands } from './commands.ts';
import { seemsToWantOneWorker } from './config-path.ts';

const DEFAULT_HTTP = 'http://127.0.0.1:6969/announce';
const DEFAULT_UDP = 'udp://127.0.0.1:6969';
const USAGE = 2;

const program = new Command('chihaya')
  .description('A BitTorrent tracker.')
  .version(version(), '--version', 'print the version')
  .helpOption('--help', 'print this help')
  .helpCommand(false)
  .option('--config <path>', 'configuration file (default: /etc/chihaya.yaml)')
  .option('--watch', 'reload when the configuration file changes')
  .option('--user <name>', 'started as root, become this user (NAME or NAME:GROUP) once ports are bound')
  .option('--allow-root', 'run as root and stay it')
  .option('--debug', 'log more')
  .option('--json', 'log a JSON object a line')
  .option('--nocolors', 'log without colours')
  .exitOverride()
  .action(async () => {
    const { LoadingWorker } = await import('../server/loading-worker.ts');
    const firstWorker = seemsToWantOneWorker(program.opts()) ? undefined : LoadingWorker.first();
    const { runTracker } = await import('./run-tracker.ts');
    await runTracker(program.opts(), firstWorker);
  });

program
  .command('e2e')
  .description('Test a running tracker from outside.')
  .helpOption('--help', 'print this help')
  .option('--httpaddr <url>', 'announce URL of the HTTP frontend; empty to skip it', DEFAULT_HTTP)
  .option('--udpaddr <url>', 'address of the UDP frontend; empty to skip it', DEFAULT_UDP)
  .option('--delay <duration>', 'time between the announces of two peers', '1s')
  .action(async (flags) => {
    const { runE2e } = await import('./e2e/run-e2e.ts');
    process.exitCode = await runE2e(flags);
  });

addCommands(program);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Commander has printed what there is to say; help and version are not failures.
  process.exitCode = error.exitCode === 0 ? 0 : USAGE;
}
