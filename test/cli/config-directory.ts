/** A directory of configurations and what they name, for the tests of a file. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export class ConfigDirectory {
  readonly path: string;

  static async make(): Promise<ConfigDirectory> {
    return new ConfigDirectory(await mkdtemp(join(tmpdir(), 'chihaya-config-')));
  }

  private constructor(path: string) {
    this.path = path;
  }

  /** Returns the file's path. */
  async write(name: string, text: string): Promise<string> {
    const path = join(this.path, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    return path;
  }

  /** @param config what stands under `chihaya` */
  configure(name: string, config: object): Promise<string> {
    // JSON is YAML.
    return this.write(name, JSON.stringify({ chihaya: config }));
  }

  remove(): Promise<void> {
    return rm(this.path, { recursive: true });
  }
}
