/** The commands beside the tracker itself and `e2e`. What each needs is loaded when it is called. */

import { Argument, type Command } from 'commander';
import { completionScript, SHELLS, type Shell } from './completion/completion.ts';

const DEFAULT_METRICS = 'http://127.0.0.1:6880/metrics';
const CONFIG = ['--config <path>', 'configuration file (default: /etc/chihaya.yaml)'] as const;

export function addCommands(program: Command): void {
  program
    .command('check')
    .description('Check the configuration, and the files and names in it, without starting.')
    .option(...CONFIG)
    .action(async (_flags, command: Command) => {
      const { runCheck } = await import('./check.ts');
      // A hook of an operator's own may leave a timer behind.
      process.exit(await runCheck(command.optsWithGlobals()));
    });

  program
    .command('config')
    .description('Print the configuration with every default, secrets hidden.')
    .option(...CONFIG)
    .option('--example', 'print the example file instead, with comments')
    .action(async (_flags, command: Command) => {
      const { printConfig } = await import('./print-config.ts');
      process.exitCode = await printConfig(command.optsWithGlobals());
    });

  program
    .command('top')
    .description('Watch a running tracker by its metrics; q leaves.')
    .option('--metrics <url>', 'where its metrics are', DEFAULT_METRICS)
    .option('--interval <duration>', 'time between two looks', '1s')
    .option('--once', 'print one frame, without control codes, and end')
    .action(async (flags) => {
      const { runTop } = await import('./top/run-top.ts');
      process.exitCode = await runTop(flags);
    });

  program
    .command('completion')
    .description('Print a script with which a shell completes commands and flags.')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .action((shell: Shell) => {
      process.stdout.write(completionScript(program, shell));
    });
}
