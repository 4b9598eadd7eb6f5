# ferry completion for fish
function __ferry_complete
  set -l words (commandline -opc) (commandline -ct)
  ferry __complete $words[2..-1] 2>/dev/null
end
complete -c ferry -a '(__ferry_complete)'
