small
try poolscope
try poolscope tags
try poolscope tagz
try poolscope tags small.dmp small.dmp
try poolscope tags small.dmp --nonsense
try poolscope tags small.dmp --sort size
try poolscope tags small.dmp --top many
try poolscope tags small.dmp --tag toolong
try poolscope tags small.dmp --nonpaged --paged
try poolscope tags small.dmp --json --csv
try poolscope modules small.dmp --sort bytes
try poolscope big small.dmp --freed
try poolscope big small.dmp --list --dump 0x1000
try poolscope big small.dmp --dump here
try poolscope small.dmp --csv
try poolscope small.dmp --color=sometimes
try poolscope - --json
