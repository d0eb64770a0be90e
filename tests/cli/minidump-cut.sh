# A minidump cut from MEMORY.DMP, without totals, of which the end is lost.
small "container type4" "minidump secondary=3" "truncate 70%"
for command in analyze modules; do
	try poolscope $command small.dmp
done
