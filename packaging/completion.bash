# Completion of nakodo(8) for bash, from what `nakodo --help` and that of its commands says.
_nakodo() {
	local cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} help
	local -a command=() commands=(ctl probe token)
	if [[ ${COMP_WORDS[1]} == ctl && $COMP_CWORD -gt 1 ]]; then
		case $option in
		--socket)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			;;
		log-level)
			mapfile -t COMPREPLY < <(compgen -W "error warn info debug" -- "$cur")
			;;
		*)
			mapfile -t COMPREPLY < <(compgen -W "--json --socket $("$1" ctl --help |
				sed -n 's/^  \([a-z][a-z-]*\) .*  [A-Z].*\.$/\1/p')" -- "$cur")
			;;
		esac
		return
	fi
	if [[ ${COMP_WORDS[1]} == @(probe|token) && $COMP_CWORD -gt 1 ]]; then
		command=("${COMP_WORDS[1]}") commands=()
	fi
	help=$("$1" "${command[@]}" --help 2>/dev/null) || return
	if [[ $option == = ]]; then
		option=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	[[ $cur == = ]] && cur=
	[[ $option =~ ^--[a-z-]+$ ]] || option=-
	# The lines of the option before: its name and what it takes, then its help.
	help=${help%%$'\n'Configuration:*}
	case $(printf '%s\n' "$help" | sed -n "s/^  $option \([A-Z][^ ]*\).*/\1/p") in
	*FILE)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	DIR)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	?*)
		mapfile -t COMPREPLY < <(compgen -W "$(printf '%s\n' "$help" |
			sed -n "/^  $option /,/Default:/s/.*one of //p" | tr -d ,)" -- "$cur")
		return
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "${commands[*]} $(printf '%s\n' "$help" |
		sed -n 's/^  \(--[a-z-]*\).*/\1/p')" -- "$cur")
} && complete -F _nakodo nakodo
