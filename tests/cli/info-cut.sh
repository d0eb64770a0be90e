# A third of the file is gone.
small
truncate -s 66% small.dmp 2>/dev/null || truncate -s 300000 small.dmp
poolscope info small.dmp
