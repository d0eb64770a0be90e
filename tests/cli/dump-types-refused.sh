# Recognised by name, refused in one sentence.
for type in 3 4 7 8 9 10 99; do
	small "header DumpType $type"
	try poolscope small.dmp
done
for machine in 0xAA64 0x200 0x1234; do
	small "header MachineImageType $machine"
	try poolscope small.dmp
done
