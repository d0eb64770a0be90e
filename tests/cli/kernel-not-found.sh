# No KDBG, and nothing that stands for it: the header names no list, the image has no header page.
lost() {
	small 'kdbg none' 'header PsLoadedModuleList 0' 'missing module ntoskrnl.exe headers' "$@"
}
lost
try poolscope small.dmp
try poolscope info small.dmp
try poolscope tags small.dmp
lost 'header DirectoryTableBase 0x3000' 'low-stub off'
try poolscope tags small.dmp
lost 'container raw-sparse'
try poolscope tags small.dmp
