# The memory manager's own counts of Windows 10: taken, at their limits, doubtful, not in the dump.
state() {
	echo "== $1"
	dump known-build-mm-state --set "$1"
	poolscope known-build-mm-state.dmp |
		sed -n '/^Pool  /,/^$/p; /^\* .*\(-pressure\|totals-doubtful\)]/,/^\* .*leak-sig/p' |
		grep -v leak-sig
}
state 'mm-state'
poolscope known-build-mm-state.dmp --json | sed -n '/"reported"/,/"paged_untracked/p'
state 'mm-state nonpaged-maximum=12000 committed=37000 commit-limit=37100 commit-peak=37100'
poolscope known-build-mm-state.dmp | sed -n '/^Verdict/,/^$/p'
# Each count alone, wrong.
state 'mm-state nonpaged-allocated=100'
state 'mm-state paged-allocated=0x100000000'
state 'mm-state paged-allocated=9999999'
state 'mm-state nonpaged-maximum=5'
state 'mm-state paged-maximum=0xFFFFF80200000000'
state 'mm-state committed=5'
state 'mm-state commit-limit=12'
state 'mm-state commit-peak=1'
# Structures that lie elsewhere than the build's table says, and where nothing says so.
state 'mm-state visible=0x2540'
state 'mm-state pointer=0xFFFFF80000001000'
state 'missing mi-state'
poolscope known-build-mm-state.dmp --json | sed -n '/"reported"/,/"paged_untracked/p'
state 'missing mi-state page=0'
state 'missing mi-partition'
# Tables that are not whole prove nothing against a count.
state 'missing tracker cpu=1 page=1..20'
