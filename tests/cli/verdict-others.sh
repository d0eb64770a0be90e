# A later Windows with little left, many tags of one leak, a healthy server, a damaged pool.
verdict() {
	dump "$@"
	echo "== $1"
	poolscope "$1.dmp" | sed -n '/^Verdict/,/^$/p'
	poolscope "$1.dmp" | sed -n '/^Findings/,/^Notes/p'
	rm "$1.dmp"
}
verdict full-2008r2
verdict wcifs-leak
verdict wcifs-leak-old
verdict healthy-20348-x64
verdict healthy-2003-x86-3gb --set 'bugcheck 0x19 0x20 0x8A4F1000 0x8A4F1048 0xA090008'
verdict healthy-10-19041-x64 --set 'bugcheck 0xC1 0x8A4F1000 0x8A4F1048 0 0x24' \
	--set 'write MmVerifierData 4 0x9' --set 'write MmSpecialPoolTag 4 0x6366744e'
echo '== memory that an unloaded driver left behind'
small 'big "Gone" np 400 65536 points-to=gone.sys' 'unloaded gone.sys start=0xFFFFF80009000000 size=0x20000' 'physical 1G'
poolscope small.dmp | sed -n -e '/^Verdict/,/^$/p' -e '/\[unloaded-driver-pool\]/,/Next/p'
