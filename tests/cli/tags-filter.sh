small
try poolscope tags small.dmp --nonpaged
try poolscope tags small.dmp --paged --top 2
try poolscope tags small.dmp --tag Irp
try poolscope tags small.dmp --tag '\x49rp\x20'
try poolscope tags small.dmp --tag 4c65616b
try poolscope tags small.dmp --tag 'T*' --tag 'Nt?s'
try poolscope tags small.dmp --tag None
