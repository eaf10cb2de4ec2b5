# bash completion for acmectl(1)			-*- shell-script -*-
# SPDX-License-Identifier: MIT

_acmectl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local options="--socket --json --help --version"
	local commands="status renew-now check deploy rollback events persist"
	commands+=" reload list notify-test providers version help"
	local socket=() command="" i word

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		-s | --socket)
			socket=(--socket "${COMP_WORDS[++i]}")
			;;
		-*) ;;
		*)
			command=${command:-$word}
			;;
		esac
	done
	case $prev in
	-s | --socket)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	esac
	case $command in
	status) options+=" --check" ;;
	check) options+=" --no-probe" ;;
	persist) options+=" --write --remove --until" ;;
	deploy) options+=" --no-wait" ;;
	renew-now | rollback) options+=" --no-wait --force" ;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		return
	fi
	case $command in
	"")
		mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur")
		;;
	status | renew-now | check | deploy | rollback | events | persist)
		mapfile -t COMPREPLY < <(compgen -W \
			"$(acmectl "${socket[@]}" list 2>/dev/null)" -- "$cur")
		;;
	providers)
		mapfile -t COMPREPLY < <(compgen -W \
			"$(acmectl "${socket[@]}" providers 2>/dev/null |
			cut -d' ' -f1)" -- "$cur")
		;;
	esac
}

complete -F _acmectl acmectl
