/** For zsh, whose `_arguments` knows by itself which flags stand there already. */

import { type Completions, type Program, quoted } from './program.ts';

export function zshScript(name: string, { main, commands }: Program): string {
  const names = commands.map((command) => quoted(`${command.name}:${command.description}`)).join(' ');
  return `#compdef ${name}
# Completion of ${name} for zsh: put it as _${name} into a directory of $fpath, or source it after compinit.
_${name}() {
  local context state state_descr line
  typeset -A opt_args
  _arguments -C ${specs(main)} '1:command:->command' '*::argument:->arguments'
  case $state in
    command)
      local -a commands=(${names})
      _describe command commands ;;
    arguments)
      case $words[1] in
${commands.map((command) => `        ${command.name}) _arguments ${specs(command)} ;;`).join('\n')}
      esac ;;
  esac
}
if [[ $funcstack[1] == _${name} ]]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;
}

/** What `_arguments` is told: `--flag[meaning]:value:action`, and `n:argument:(words)`. */
function specs({ flags, words }: Completions): string {
  const texts = flags.map(({ name, description, value }) => {
    const after = value === 'file' ? ':path:_files' : value === 'text' ? ':value: ' : '';
    return `${name}[${description.replace(/[[\]:\\]/g, '\\$&')}]${after}`;
  });
  if (words.length > 0) texts.push(`1:argument:(${words.join(' ')})`);
  return texts.map(quoted).join(' ');
}
