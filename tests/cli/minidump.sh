# A minidump that the kernel wrote itself: lists and totals, and why there are no pools.
small "container type4" "minidump totals secondary=3"
for command in analyze info modules tags big; do
	try poolscope $command small.dmp
done
