#!/bin/bash
# submit.sh: submits many cases to Slurm: an array of shares, and behind it the job that joins them.
set -euo pipefail

usage() {
	cat <<'END'
Usage: submit.sh -o OUT [-n SHARES] [-t TASKS] [-c CPUS] [-b OPTIONS] FOLDER... [-- SBATCH-OPTION...]
  -o OUT      folder on storage that all nodes see; the joined results are in OUT/all
  -n SHARES   parts of the work, default 20
  -t TASKS    tasks at once, default: as many as Slurm has room for
  -c CPUS     processors, and so workers, of a task; default 1
  -b OPTIONS  more options of `poolscope batch`, one argument, split at blanks
What stands behind -- goes to sbatch for both jobs (-p PARTITION, --mem, --time). POOLSCOPE names the
program. Prints the numbers of both jobs. Run it again after a failure, with the same OUT and SHARES:
what is done is not done again.
END
}

fail() {
	echo "submit.sh: $1" >&2
	exit 2
}

at_least_1() {
	[[ $2 =~ ^[1-9][0-9]*$ ]] || fail "$1 '$2': a number from 1"
}

out='' shares=20 tasks='' cpus=1 options=''
while getopts o:n:t:c:b:h option; do
	case $option in
	o) out=$OPTARG ;;
	n) at_least_1 -n "$OPTARG" && shares=$OPTARG ;;
	t) at_least_1 -t "$OPTARG" && tasks=$OPTARG ;;
	c) at_least_1 -c "$OPTARG" && cpus=$OPTARG ;;
	b) options=$OPTARG ;;
	h) usage && exit 0 ;;
	*) usage >&2 && exit 2 ;;
	esac
done
shift $((OPTIND - 1))

folders=() to_sbatch=()
while [ "$#" -gt 0 ] && [ "$1" != -- ]; do
	[ -e "$1" ] || fail "$1: no such folder"
	folders+=("$(realpath -- "$1")")
	shift
done
[ "$#" -eq 0 ] || shift
to_sbatch=("$@")
[ "${#folders[@]}" -gt 0 ] || fail "no folder of cases was given"
[ -n "$out" ] || fail "no folder for the results: -o OUT"
mkdir -p -- "$out"
out=$(realpath -- "$out")
case $out in *%* | *\\*) fail "$out: Slurm gives % and \\ in names of files a meaning: take another name" ;; esac

here=$(dirname -- "$(realpath -- "$0")")
export POOLSCOPE_OUT=$out POOLSCOPE_SHARDS=$shares POOLSCOPE_OPTIONS=$options
array=$(sbatch --parsable --array="1-$shares${tasks:+%$tasks}" --cpus-per-task="$cpus" \
	--output="$out/task-%a.out" ${to_sbatch[@]+"${to_sbatch[@]}"} \
	"$here/poolscope-array.sbatch" "${folders[@]}")
array=${array%%;*}
# afterok: results of which a part is missing are not joined.
merge=$(sbatch --parsable --dependency="afterok:$array" --output="$out/merge.out" \
	${to_sbatch[@]+"${to_sbatch[@]}"} "$here/poolscope-merge.sbatch")
echo "array $array, merge ${merge%%;*}"
