#!/bin/sh
# poolscope-parallel.sh OUT SHARES FOLDER...: one share of the cases a job of GNU parallel, then joined in
# OUT/all. PARALLEL_OPTIONS: more options of parallel, such as "--sshloginfile hosts" for more machines
# that see the same folders by the same absolute names. Run it again after a failure: what is done stays.
set -eu

[ "$#" -ge 3 ] || {
	echo "Usage: poolscope-parallel.sh OUT SHARES FOLDER..." >&2
	exit 2
}
mkdir -p "$1"
out=$(realpath "$1") shares=$2
shift 2
program=${POOLSCOPE:-poolscope}
# Status 1 (some case is incomplete or was refused) is a result, no failure.
# shellcheck disable=SC2016 # expanded by the shell of each job
job='n=$1 out=$2 shares=$3 program=$4; shift 4
"$program" batch --quiet -j 1 -o "$out/shard-$n-of-$shares" --shard "$n/$shares" -- "$@" >"$out/shard-$n.log" || [ $? -eq 1 ]'
# shellcheck disable=SC2086 # the options are a list of words
seq "$shares" | parallel --quote ${PARALLEL_OPTIONS:-} --retries 3 --joblog "$out/joblog" \
	sh -c "$job" poolscope-share '{}' "$out" "$shares" "$program" "$@"
n=1
set --
while [ "$n" -le "$shares" ]; do
	set -- "$@" "$out/shard-$n-of-$shares"
	n=$((n + 1))
done
# Here status 1 says that a folder or a case was left out: that is a failure.
"$program" batch --merge --quiet -o "$out/all" -- "$@"
