#compdef ferry
_ferry() {
  local -a found
  local line
  for line in "${(@f)$(ferry __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [ -n "$line" ] && found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  if (( ${#found} )); then _describe ferry found; else _files; fi
}
compdef _ferry ferry
