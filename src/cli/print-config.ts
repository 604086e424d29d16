/** `chihaya config`: the configuration in force, or the example file. */

import { stringify } from 'yaml';
import { effectiveConfig } from '../config/effective.ts';
import { exampleConfig } from '../config/example.ts';
import { silentLogger } from '../pkg/logger.ts';
import { builtIn } from '../server/built-in.ts';
import { type ConfigFlags, configPath } from './config-path.ts';
import { tell, tellFailure } from './problems.ts';
import { readConfig } from './read-config.ts';

const PRINTED = 0;
const FAILED = 1;

export interface PrintFlags extends ConfigFlags {
  readonly example?: boolean;
}

/** Prints YAML and returns the exit code. */
export async function printConfig(flags: PrintFlags): Promise<number> {
  if (flags.example) {
    process.stdout.write(exampleConfig(builtIn));
    return PRINTED;
  }
  try {
    const config = await readConfig(flags, silentLogger);
    for (const warning of config.warnings) tell('warning', warning);
    const source = configPath(flags) ?? 'the built-in default, as there is no configuration file';
    const yaml = stringify(
      { chihaya: effectiveConfig(config) },
      { lineWidth: 0, aliasDuplicateObjects: false },
    );
    process.stdout.write(`# In force: ${source}, with all defaults. Secrets are hidden.\n${yaml}`);
    return PRINTED;
  } catch (error) {
    tellFailure(error);
    return FAILED;
  }
}
