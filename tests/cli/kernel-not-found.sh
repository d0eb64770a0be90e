small 'kdbg none'
try poolscope small.dmp
try poolscope info small.dmp
try poolscope tags small.dmp
small 'header DirectoryTableBase 0x3000' 'kdbg none' 'low-stub off'
try poolscope tags small.dmp
