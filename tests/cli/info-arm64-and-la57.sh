# An ARM64 machine, and page tables of five levels: what was recognised is said.
small 'arch arm64' 'build 22000' 'product workstation'
try poolscope info small.dmp
small 'la57 on' 'build 26100' 'va nonpaged 0xFFA1D00000000000' 'va paged 0xFFA2C00000000000'
try poolscope info -v small.dmp
# A KDBG address of the user half, for which no page tables are known on ARM64.
small 'arch arm64' 'build 22000' 'header KdDebuggerDataBlock 0x7FF612345678' 'missing kdbg'
try poolscope tags small.dmp
