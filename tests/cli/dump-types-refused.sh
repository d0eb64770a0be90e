# Recognised by name, refused in one sentence.
small "header DumpType 99"
try poolscope small.dmp
small "header DumpType 8" # its body is a bitmap
try poolscope small.dmp
small "container type10" "header DumpType 6" # its body are page ranges
try poolscope small.dmp
for machine in 0x200 0x1234; do
	small "header MachineImageType $machine"
	try poolscope small.dmp
done
