# Bash completion for poolscope(1). Options come from the program's own help.

_poolscope()
{
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local commands='analyze tags owners big modules processes info convert explain symbols batch diff cases' command='' word option keys

	# `--color=auto` reaches us as three words
	if [[ $current == '=' ]]; then
		option=$previous current=''
	elif [[ $previous == '=' ]]; then
		option=${COMP_WORDS[COMP_CWORD - 2]}
	else
		option=$previous
	fi
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		if [[ " $commands " == *" $word "* ]]; then
			command=$word
			break
		fi
	done

	case $option in
	--sort)
		case $command in
		processes) keys='handles holds pid name' ;;
		diff) keys='bytes rate diff tag' ;;
		*) keys='bytes diff allocs frees tag per-alloc' ;;
		esac
		mapfile -t COMPREPLY < <(compgen -W "$keys" -- "$current")
		return
		;;
	--color)
		if [[ $previous == '=' || ${COMP_WORDS[COMP_CWORD]} == '=' ]]; then
			mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$current")
			return
		fi
		;;
	--reader)
		mapfile -t COMPREPLY < <(compgen -W 'native kdumpfile' -- "$current")
		return
		;;
	--type)
		mapfile -t COMPREPLY < <(compgen -W 'full bitmap' -- "$current")
		return
		;;
	--password-file | --pooltag | --drivers | --symbols | --html | --httperr | --known)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	-o | --out)
		compopt -o dirnames
		mapfile -t COMPREPLY < <(compgen -d -- "$current")
		return
		;;
	-j | --jobs | --timeout | --max-memory | --shard | --member | --max-expand | --top | --tag | --driver | --build | --bugcheck | --like | --dump | --bytes)
		return
		;;
	esac

	if [[ $command == explain && $current != -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" explain 2>/dev/null |
			awk '/^[a-z]/ { print $1 }')" -- "$current")
		return
	fi

	if [[ $previous == symbols ]]; then
		mapfile -t COMPREPLY < <(compgen -W 'check list add' -- "$current")
		return
	fi
	if [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" ${command:-analyze} --help \
			2>/dev/null | grep -o -e '--[a-z-]*' | sort -u)" -- "$current")
		return
	fi
	compopt -o filenames
	mapfile -t COMPREPLY < <(compgen -f -- "$current")
	if [[ -z $command ]]; then
		mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W "$commands" -- "$current")
	fi
}

complete -F _poolscope poolscope
