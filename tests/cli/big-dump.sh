# The bytes of an allocation that is not in the dump, and of an address where none begins.
small
address=$(poolscope big small.dmp --list --csv --tag Cont | sed -n '2s/^[^,]*,\([^,]*\),.*/\1/p')
try poolscope big small.dmp --dump "$address" --bytes 64
try poolscope big small.dmp --dump "$address" --json
try poolscope big small.dmp --dump 0xfffff80000001000
