/** Completion scripts, tried in the shells that they are for. */

import { execFile, spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chihaya } from './chihaya.ts';
import { ConfigDirectory } from './config-directory.ts';

const run = promisify(execFile);

const COMMANDS = ['check', 'completion', 'config', 'e2e', 'top'];

let files: ConfigDirectory;
beforeAll(async () => {
  files = await ConfigDirectory.make();
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout } = await chihaya(['completion', shell]);
    expect(code).toBe(0);
    await files.write(`script.${shell}`, stdout);
  }
  await files.write('here/my config.yaml', '');
});
afterAll(() => files.remove());

const isThere = (shell: string) => spawnSync(shell, ['-c', ':']).status === 0;

/** What the shell would offer at the end of the words, sorted. */
type Complete = (words: readonly string[]) => Promise<string[]>;

const script = (shell: string) => join(files.path, `script.${shell}`);

const bash: Complete = async (words) => {
  const program = `
    source '${script('bash')}'
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    $(complete -p chihaya | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
    ((\${#COMPREPLY[@]} == 0)) || printf '%s\\n' "\${COMPREPLY[@]}"`;
  const args = ['--norc', '-c', program, 'bash', 'chihaya', ...words];
  return lines((await run('bash', args, { cwd: join(files.path, 'here') })).stdout);
};

/** Has an interactive zsh write what it offers into a file; a key of its own tells the end. */
const ZSH_SETUP = `
  PROMPT= RPROMPT=
  autoload -Uz compinit && compinit -u -D
  source $SCRIPT
  compadd() {
    local -a words
    # Some calls only ask which of the words would fit.
    if (( ! \${argv[(I)-[OAD]]} )); then
      builtin compadd -O words "$@"
      (( $#words )) && print -rl -- $words >> $OFFERED
    fi
    builtin compadd "$@"
  }
  finish() { print 'all''done' }
  zle -N finish && bindkey '^X' finish
  print 'now''ready'`;

/** On a terminal of its own, since zsh completes nowhere else. */
const zsh: Complete = async (words) => {
  const setup = await files.write('setup.zsh', ZSH_SETUP);
  const offered = await files.write('offered', '');
  const program = `
    zmodload zsh/zpty
    zpty shell zsh -f -i
    zpty -w shell 'source ${setup}'
    zpty -r -m shell ignored '*nowready*'
    zpty -w -n shell "$1"$'\\t\\x18'
    zpty -r -m shell ignored '*alldone*'
    zpty -d shell`;
  await run('zsh', ['-f', '-c', program, 'zsh', ['chihaya', ...words].join(' ')], {
    cwd: join(files.path, 'here'),
    env: { ...process.env, SCRIPT: script('zsh'), OFFERED: offered, TERM: 'dumb' },
    timeout: 15_000,
  });
  return [...new Set(lines(await readFile(offered, 'utf8')))];
};

const fish: Complete = async (words) => {
  const program = `source '${script('fish')}'; complete -C "$argv[1]"`;
  const env = { ...process.env, HOME: files.path, XDG_CONFIG_HOME: files.path };
  const args = ['--no-config', '-c', program, '--', ['chihaya', ...words].join(' ')];
  const { stdout } = await run('fish', args, { cwd: join(files.path, 'here'), env });
  return lines(stdout.replace(/\t.*$/gm, ''));
};

function lines(text: string): string[] {
  return text.split('\n').filter(Boolean).toSorted();
}

describe.each([
  { shell: 'bash', complete: bash },
  { shell: 'zsh', complete: zsh },
  { shell: 'fish', complete: fish },
])('$shell', ({ shell, complete }) => {
  describe.runIf(isThere(shell))('completes', () => {
    test('commands', async () => {
      const offered = await complete(['']);
      expect(offered.filter((word) => !word.startsWith('-'))).toEqual(COMMANDS);
      expect(await complete(['c'])).toEqual(['check', 'completion', 'config']);
    });

    test('flags of the program and of a command', async () => {
      expect(await complete(['--'])).toEqual([
        '--allow-root',
        '--config',
        '--debug',
        '--help',
        '--json',
        '--nocolors',
        '--user',
        '--version',
        '--watch',
      ]);
      expect(await complete(['config', '--'])).toEqual(['--config', '--example', '--help']);
      expect(await complete(['top', '--o'])).toEqual(['--once']);
    });

    test('the names of shells', async () => {
      const offered = await complete(['completion', '']);
      expect(offered.filter((word) => !word.startsWith('-'))).toEqual(['bash', 'fish', 'zsh']);
    });

    test('files where a path is wanted, and nothing where none is', async () => {
      const offered = await complete(['check', '--config', 'my']);
      expect(offered.map((word) => word.replaceAll('\\', ''))).toEqual(['my config.yaml']);
      expect(await complete(['top', '--interval', ''])).toEqual([]);
    });
  });
});

test('every command and flag of --help is in every script', async () => {
  const flags = await Promise.all(
    [[], ...COMMANDS.map((command) => [command])].map(async (command) => {
      const { stdout } = await chihaya([...command, '--help']);
      return [...stdout.matchAll(/^ +--([a-z0-9]+)/gm)].map(([, flag]) => flag);
    }),
  );
  const scripts = await Promise.all(
    ['bash', 'zsh', 'fish'].map(async (shell) => (await chihaya(['completion', shell])).stdout),
  );
  expect(new Set(flags.flat()).size).toBeGreaterThanOrEqual(12);
  for (const text of scripts) {
    for (const word of [...COMMANDS, ...flags.flat()]) expect(text).toMatch(new RegExp(`\\b${word}\\b`));
  }
});

test('a shell that is not known is refused', async () => {
  const { code, stderr } = await chihaya(['completion', 'tcsh']);
  expect(stderr).toContain("'tcsh' is invalid for argument 'shell'. Allowed choices are bash, zsh, fish.");
  expect(code).toBe(2);
});
