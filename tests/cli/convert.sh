# A crash dump made of a snapshot, and what is said of it; then what is wrong on the command line.
small 'container raw-sparse' 'kdbg encoded' 'kernel-code built'
mv small.dmp snapshot.raw
try poolscope convert snapshot.raw out.dmp
try poolscope info out.dmp
try poolscope convert snapshot.raw out.dmp
try poolscope convert --force out.dmp again.dmp
cmp out.dmp again.dmp && echo 'the same'
small 'container type1'
try poolscope convert small.dmp full.dmp
truncate -s -10000 small.dmp
try poolscope convert small.dmp cut.dmp
try poolscope convert small.dmp cut.dmp --type=full --force
try poolscope tags cut.dmp --tag Leak
try poolscope convert small.dmp
try poolscope convert small.dmp -
try poolscope convert small.dmp a b
try poolscope convert small.dmp a --type=7
try poolscope convert small.dmp a --json
try poolscope convert small.dmp nowhere/a
try poolscope tags small.dmp --force
try poolscope convert nothing.dmp a
ls
