# Kernels that hide their debugger block: the report says how it was found, or what stands for it.
# A snapshot of a running machine: the keys are those that the kernel's own code uses.
small 'kdbg encoded' 'kernel-code built' 'container raw-sparse' 'decoys 1 stale-kdbg encoded-rubbish'
try poolscope info small.dmp
try poolscope analyze small.dmp
# The page of that code is not in the snapshot.
small 'kdbg encoded' 'kernel-code built' 'container raw-sparse' 'missing kdbg-code'
try poolscope info small.dmp
# No block at all: exports and code.
small 'kdbg none' 'kernel-code built' 'container raw-sparse' 'low-stub off'
try poolscope info small.dmp
try poolscope modules small.dmp
# Neither exports nor code are there.
small 'kdbg none' 'kernel-code none' 'missing exports'
try poolscope info small.dmp
try poolscope analyze small.dmp
# The list of modules is not there, nor are exports to name it: the tags are.
small 'kdbg none' 'kernel-code built' 'container raw-sparse' 'missing exports' 'missing ldr ntoskrnl.exe'
try poolscope tags --top 3 small.dmp
# The page of the pool's variables is not in the dump.
small 'kdbg none' 'kernel-code built' 'missing globals'
try poolscope tags small.dmp
small 'kdbg encoded' 'kernel-code built' 'missing globals'
try poolscope tags small.dmp
# A block that was overwritten with nothing that could be decoded.
small 'kernel-code built' 'write KdDebuggerDataBlock+0x10 4 0x21746F4E'
try poolscope info -v small.dmp
