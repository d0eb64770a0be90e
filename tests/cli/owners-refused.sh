# What cannot be asked, and folders without drivers.
small
try poolscope owners
try poolscope owners small.dmp --no-owners
try poolscope owners --drivers .  --sort bytes
try poolscope tags small.dmp --no-owners --drivers .
mkdir empty
echo 'no image' > empty/readme.sys
try poolscope owners --drivers empty
try poolscope owners --drivers absent
try poolscope owners --drivers absent --json
try poolscope tags small.dmp --drivers absent
try poolscope tags small.dmp --drivers empty --tag Leak
dump minidump
try poolscope owners minidump.dmp --tag Leak
