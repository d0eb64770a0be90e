small 'bigpages size=512 live=3% freed=1%'
try poolscope big small.dmp --list --top 4
try poolscope big small.dmp --list --tag Cont
try poolscope big small.dmp --list --freed --paged --top 5
