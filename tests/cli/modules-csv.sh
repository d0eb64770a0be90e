small
poolscope modules small.dmp --csv
