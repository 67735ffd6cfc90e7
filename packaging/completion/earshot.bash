# Completion for earshot in bash; zsh takes it after `autoload -U bashcompinit && bashcompinit`. Installed as
# /usr/share/bash-completion/completions/earshot. Commands and options are what --help says, so none is forgotten here.
_earshot() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words
  COMPREPLY=()
  case $before in
    --config | --token-file | --ca | --audio | --pcap | --read | --output)
      COMPREPLY=($(compgen -f -- "$word"))
      return
      ;;
    --data | --to | --record)
      COMPREPLY=($(compgen -d -- "$word"))
      return
      ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then
    words=$("${COMP_WORDS[0]}" --help 2>/dev/null | sed -nE 's/^  earshot (-*[a-z-]+).*/\1/p')
  elif [[ $word == -* ]]; then
    words=$("${COMP_WORDS[0]}" "${COMP_WORDS[1]}" --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]*' | sort -u)
  elif [ "${COMP_WORDS[1]}" = token ] && [ "$COMP_CWORD" -eq 2 ]; then
    words="create list revoke"
  elif [ "${COMP_WORDS[1]}" = calls ] || [ "${COMP_WORDS[1]}" = export ]; then
    words="failed answered busy cancelled rejected no-answer one-way no-media recorded unrecorded encrypted partial"
  else
    COMPREPLY=($(compgen -f -- "$word"))
    return
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _earshot earshot
