# A watcher of files never closes its handles to the shells that it starts.
dump proc-zombies
try poolscope processes proc-zombies.dmp
try poolscope processes proc-zombies.dmp --sort holds --top 3
try poolscope processes proc-zombies.dmp --sort name --top 2 --csv
