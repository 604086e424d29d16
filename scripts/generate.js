/** Writes what is generated from the configuration's schemas. Run by `npm run generate`, after a build. */

import { writeFileSync } from 'node:fs';
import { exampleConfig } from '../build/config/example.js';
import { configurationReference } from '../build/config/reference.js';
import { builtIn } from '../build/server/built-in.js';

const root = new URL('../', import.meta.url);
writeFileSync(new URL('dist/example_config.yaml', root), exampleConfig(builtIn));
writeFileSync(new URL('docs/configuration.md', root), configurationReference(builtIn));
