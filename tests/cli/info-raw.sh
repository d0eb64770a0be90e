# No header: page tables and KDBG are searched for.
small 'container raw-sparse'
poolscope info small.dmp
