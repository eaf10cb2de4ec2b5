# bash completion for acmectl(1)			-*- shell-script -*-
# SPDX-License-Identifier: MIT

_acmectl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local options="--socket --config --json --color --help --version"
	local commands="add status check-status renew-now check deploy rollback events persist"
	commands+=" export put import edit pause resume remove delete"
	commands+=" revoke account cluster host rename rollout"
	commands+=" plan history show cleanup"
	commands+=" reload list notify-test providers clouds version help"
	local socket=() names=() command="" i word

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		-s | --socket)
			socket=(--socket "${COMP_WORDS[++i]}")
			;;
		-c | --config | --color | --until | --challenge | --provider | \
			--option | --webroot | --listen | --reload | --verify | --key | --csr | --profile | --name | --account | \
			--directory | --ca-file | --email | --dns | --env-file | \
			--expires-within | --warning | --critical | --due-within | --days | --reason | \
			--by | --serial | --format | \
			--password-file) ((++i)) ;;
		-*) ;;
		*)
			if [[ -z $command ]]; then
				command=$word
			else
				names+=("$word")
			fi
			;;
		esac
	done
	case $prev in
	-s | --socket | -c | --config | --env-file | --password-file)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--account)
		mapfile -t COMPREPLY < <(compgen -W \
			"$(acmectl "${socket[@]}" list accounts 2>/dev/null)" \
			-- "$cur")
		return
		;;
	--format)
		mapfile -t COMPREPLY < <(compgen -W "pem pkcs12 certbot" \
			-- "$cur")
		return
		;;
	--challenge)
		mapfile -t COMPREPLY < <(compgen -W \
			"http-01 tls-alpn-01 dns-01" -- "$cur")
		return
		;;
	--listen)
		mapfile -t COMPREPLY < <(compgen -W "systemd" -- "$cur")
		return
		;;
	--webroot)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	--ca-file | --csr)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--provider)
		# Configured ones; add also makes one of a type.
		i=$(acmectl "${socket[@]}" list providers 2>/dev/null)
		[[ $command == import ]] ||
			i+=" $(acmectl "${socket[@]}" providers 2>/dev/null |
				cut -d' ' -f1)"
		mapfile -t COMPREPLY < <(compgen -W "$i" -- "$cur")
		return
		;;
	--color)
		mapfile -t COMPREPLY < <(compgen -W "auto always never" \
			-- "$cur")
		return
		;;
	--key)
		mapfile -t COMPREPLY < <(compgen -W \
			"ec256 ec384 rsa2048 rsa3072 rsa4096 ec256,rsa2048" -- "$cur")
		return
		;;
	--warning | --critical)
		return
		;;
	--reason)
		mapfile -t COMPREPLY < <(compgen -W "keycompromise superseded \
			cessationofoperation affiliationchanged unspecified" \
			-- "$cur")
		return
		;;
	--by)
		mapfile -t COMPREPLY < <(compgen -W "account certificate" \
			-- "$cur")
		return
		;;
	--expires-within | --due-within | --days | --serial | --option | --reload | --verify | --profile | --name | --directory | \
		--email | --until)
		return
		;;
	esac
	case $command in
	add)
		options+=" --challenge --provider --option --webroot --listen"
		options+=" --reload --verify --key --csr"
		options+=" --profile --name --account --directory --staging"
		options+=" --ca-file"
		options+=" --email --agree-tos --no-wait --force"
		;;
	check-status) options+=" --warning --critical" ;;
	status) options+=" --check --watch --failing --expires-within --all-hosts" ;;
	plan) options+=" --days" ;;
	show) options+=" --pem" ;;
	check) options+=" --no-probe --write-caa --yes" ;;
	pause) options+=" --until" ;;
	delete) options+=" --yes" ;;
	account) options+=" --yes --force" ;;
	revoke) options+=" --reason --only --cancel --by --serial --force --yes" ;;
	export) options+=" --format --password-file" ;;
	import)
		options+=" --dry-run --yes --switch --provider --webroot --dns"
		options+=" --env-file --directory"
		;;
	persist) options+=" --write --remove --until" ;;
	deploy | put) options+=" --no-wait" ;;
	renew-now)
		options+=" --no-wait --force --all --failed --due-within"
		options+=" --dry-run --directory"
		;;
	rollback) options+=" --no-wait --force" ;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		return
	fi
	case $command in
	"")
		mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur")
		;;
	deploy)
		# The certificate, then one of its targets.
		if ((${#names[@]} == 0)); then
			i=$(acmectl "${socket[@]}" list 2>/dev/null)
		else
			i=$(acmectl "${socket[@]}" list targets "${names[0]}" \
				2>/dev/null)
		fi
		((${#names[@]} > 1)) ||
			mapfile -t COMPREPLY < <(compgen -W "$i" -- "$cur")
		;;
	export)
		if ((${#names[@]} == 0)); then
			mapfile -t COMPREPLY < <(compgen -W \
				"$(acmectl "${socket[@]}" list 2>/dev/null)" \
				-- "$cur")
		else
			compopt -o filenames 2>/dev/null
			mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		fi
		;;
	put)
		if ((${#names[@]} == 0)); then
			mapfile -t COMPREPLY < <(compgen -W \
				"$(acmectl "${socket[@]}" list 2>/dev/null)" \
				-- "$cur")
		elif ((${#names[@]} < 3)); then
			compopt -o filenames 2>/dev/null
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		fi
		;;
	list)
		i="targets channels accounts providers hosts"
		if ((${#names[@]} == 1)) && [[ ${names[0]} == targets ]]; then
			i=$(acmectl "${socket[@]}" list 2>/dev/null)
		fi
		((${#names[@]} > 1)) ||
			mapfile -t COMPREPLY < <(compgen -W "$i" -- "$cur")
		;;
	import)
		if ((${#names[@]} == 0)); then
			mapfile -t COMPREPLY < <(compgen -W \
				"certbot acme.sh lego dehydrated uacme caddy" -- "$cur")
		else
			compopt -o filenames 2>/dev/null
			mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		fi
		;;
	notify-test)
		mapfile -t COMPREPLY < <(compgen -W \
			"$(acmectl "${socket[@]}" list channels 2>/dev/null)" \
			-- "$cur")
		;;
	status | renew-now | check | rollback | events | persist | edit | \
		pause | resume | remove | rename | revoke | history | show)
		mapfile -t COMPREPLY < <(compgen -W \
			"$(acmectl "${socket[@]}" list 2>/dev/null)" -- "$cur")
		;;
	account)
		if ((${#names[@]} == 0)); then
			i="list show register update rollover deactivate"
			i+=" export import"
		elif ((${#names[@]} == 2)); then
			compopt -o filenames 2>/dev/null
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
		else
			i=$(acmectl "${socket[@]}" list accounts 2>/dev/null)
		fi
		mapfile -t COMPREPLY < <(compgen -W "$i" -- "$cur")
		;;
	cluster)
		mapfile -t COMPREPLY < <(compgen -W "status" -- "$cur")
		;;
	rollout)
		if ((${#names[@]} == 0)); then
			i=$(acmectl "${socket[@]}" list 2>/dev/null)
		else
			i="continue stop rollback"
		fi
		mapfile -t COMPREPLY < <(compgen -W "$i" -- "$cur")
		;;
	host)
		if ((${#names[@]} == 0)); then
			i="list show add remove key forget"
		else
			i=$(acmectl "${socket[@]}" list hosts 2>/dev/null)
		fi
		mapfile -t COMPREPLY < <(compgen -W "$i" -- "$cur")
		;;
	providers | clouds)
		mapfile -t COMPREPLY < <(compgen -W \
			"$(acmectl "${socket[@]}" "$command" 2>/dev/null |
			cut -d' ' -f1)" -- "$cur")
		;;
	esac
}

complete -F _acmectl acmectl
