const bash = `# ferry completion for bash
_ferry() {
  local IFS=$'\\n' word=\${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=($(ferry __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
  [ \${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- "$word"))
}
complete -o filenames -F _ferry ferry
`;

const zsh = `#compdef ferry
_ferry() {
  local -a found
  local line
  for line in "\${(@f)$(ferry __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [ -n "$line" ] && found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( \${#found} )); then _describe ferry found; else _files; fi
}
compdef _ferry ferry
`;

const fish = `# ferry completion for fish
function __ferry_complete
  set -l words (commandline -opc) (commandline -ct)
  ferry __complete $words[2..-1] 2>/dev/null
end
complete -c ferry -a '(__ferry_complete)'
`;

/** Script that asks \`ferry __complete\` for every word, so that it knows containers and never grows old. */
export function completionScript(shell: string): string | undefined {
  return new Map([
    ["bash", bash],
    ["zsh", zsh],
    ["fish", fish],
  ]).get(shell);
}
