/**
 * Scripts for shells. Each asks `plinth completion words -- <words>` for the words that fit, the
 * last of which is being typed. Where none fits, the shell offers files.
 */

/** Shells that have a script. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** One of them. */
export type Shell = (typeof SHELLS)[number];

// Bash takes a colon for the end of a word, and replaces only what follows it.
const BASH = `# plinth completion for bash: eval "$(plinth completion bash)"
_plinth() {
  local line=\${COMP_LINE:0:COMP_POINT} words current cut= candidate
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  current=\${words[\${#words[@]} - 1]}
  [[ $current == *:* && $COMP_WORDBREAKS == *:* ]] && cut=\${current%:*}:
  COMPREPLY=()
  while IFS= read -r candidate; do
    COMPREPLY+=("\${candidate#"$cut"}")
  done < <(plinth completion words -- "\${words[@]:1}" 2>/dev/null)
}
complete -o default -F _plinth plinth
`;

const ZSH = `#compdef plinth
# plinth completion for zsh: eval "$(plinth completion zsh)", after compinit
_plinth() {
  local -a found
  found=("\${(@f)$(plinth completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n \${found[1]} ]]; then compadd -a found; else _files; fi
}
compdef _plinth plinth
`;

const FISH = `# plinth completion for fish: plinth completion fish | source
function __plinth_words
  set -l typed (commandline -opc) (commandline -ct)
  set -l found (plinth completion words -- $typed[2..-1] 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c plinth -f -a '(__plinth_words)'
`;

/** The script of each shell. */
export const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
