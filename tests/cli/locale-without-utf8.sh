small
LC_ALL=C poolscope small.dmp --top 2
