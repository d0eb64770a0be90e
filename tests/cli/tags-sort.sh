small
for key in bytes diff allocs frees tag per-alloc; do
	try poolscope tags small.dmp --sort $key
done
