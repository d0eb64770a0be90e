small
try poolscope big small.dmp --csv
try poolscope big small.dmp --list --csv
