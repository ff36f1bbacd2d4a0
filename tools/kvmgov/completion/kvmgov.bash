# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Completion of kvmgov's command line in bash.

# The ids and names of the VMs there are. Whatever a name holds that would need
# quoting is left to its id.
_kvmgov_vms() {
	kvmgov list --json 2>/dev/null | sed -n \
		-e 's/^ *"id": \([0-9]*\),$/\1/p' \
		-e 's/^ *"name": "\([A-Za-z0-9_.-]*\)",$/\1/p'
}

_kvmgov() {
	local current=${COMP_WORDS[COMP_CWORD]} command='' vm='' words='' i
	# bash takes "=" for a word of its own.
	if [[ ${COMP_WORDS[COMP_CWORD - 1]} == = || $current == = ]]; then
		return
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-*) ;;
		*)
			if [[ -z $command ]]; then
				command=${COMP_WORDS[i]}
			elif [[ -z $vm ]]; then
				vm=${COMP_WORDS[i]}
			fi
			;;
		esac
	done

	if [[ $command == top && ${COMP_WORDS[COMP_CWORD - 1]} == @(-s|--sort) ]]; then
		words=$(kvmgov top --help | sed -n 's/^Columns: //p' | tr -d ,.)
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
		return
	fi

	if [[ $command == simulate && ${COMP_WORDS[COMP_CWORD - 1]} == @(-p|--policy) ]]; then
		words=$(kvmgov simulate --help | sed -n 's/.*which policies (all): //p' | tr -d ,)
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
		return
	fi

	case $command:$current in
	:-*) words='--json --help --version' ;;
	:*) words='list show set reset freeze thaw stat top exits events history simulate doctor' ;;
	exits:-*) words='--histogram --vcpus --json --help' ;;
	top:-*) words='--batch --iterations --delay --sort --reverse --json --help' ;;
	simulate:-*)
		words='--policy --cpus --quantum --alpha --guess --max-wait --ageing --boost
			--boost-sleep --poisson --service --jobs --seed --gantt --svg --verbose
			--json --help'
		;;
	simulate:*)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	history:-*) words='--ended --json --help' ;;
	events:-*) words='--count --timeout --json --help' ;;
	list:-* | show:-* | stat:-* | doctor:-*) words='--json --help' ;;
	*:-*) words='--verbose --json --help' ;;
	show:* | reset:* | freeze:* | thaw:* | exits:*) words=$(_kvmgov_vms) ;;
	stat:*) [[ -n $vm ]] || words=$(_kvmgov_vms) ;;
	set:*)
		if [[ -z $vm ]]; then
			words=$(_kvmgov_vms)
		else
			words='cpu= period= credit= credit.balance= cpu.steal= name= uuid='
			compopt -o nospace 2>/dev/null
		fi
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _kvmgov kvmgov
