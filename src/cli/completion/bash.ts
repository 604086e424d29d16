/** For bash. Nothing of the package bash-completion is needed. */

import { type Completions, type Program, quoted } from './program.ts';

export function bashScript(name: string, { main, commands }: Program): string {
  const names = commands.map((command) => command.name);
  const flags = [main, ...commands].flatMap((each) => each.flags);
  const taking = (value: 'file' | 'text') =>
    [...new Set(flags.filter((flag) => flag.value === value).map((flag) => flag.name))].join('|');
  return `# Completion of ${name} for bash: source this, or put it into /etc/bash_completion.d.
_${name}() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command='' i
  COMPREPLY=()
  case $before in
    ${taking('file')})
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return ;;
    ${taking('text')})
      return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${names.join('|')}) command=\${COMP_WORDS[i]}; break ;;
    esac
  done
  case $command in
${[main, ...commands].map((each) => branch(each, each === main ? names : [])).join('\n')}
  esac
}
complete -F _${name} ${name}
`;
}

function branch({ name, flags, words }: Completions, names: readonly string[]): string {
  const all = [...names, ...words, ...flags.map((flag) => flag.name)].join(' ');
  return `    ${quoted(name)}) mapfile -t COMPREPLY < <(compgen -W ${quoted(all)} -- "$word") ;;`;
}
