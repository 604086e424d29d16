/** The commands beside the tracker itself and `e2e`. What each needs is loaded when it is called. */

import type { Command } from 'commander';

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
}
