# Session pool: a table a session, apart; sessions that cannot be read say why.
dump session-pool
try poolscope tags --sessions --top 3 session-pool.dmp
try poolscope tags --sessions --tag 'Gh*' --paged --csv session-pool.dmp
try poolscope tags --sessions --tag Usqu --nonpaged --sort tag session-pool.dmp
dump session-pool --set 'missing session-table id=1 page=1' --set 'missing session-root id=0'
try poolscope tags --sessions --top 2 session-pool.dmp
dump session-pool --set 'build 26100' --set 'session-pool 0' 2>&1 | sed 's/.*session-pool/session-pool/'
small
try poolscope tags --sessions small.dmp
