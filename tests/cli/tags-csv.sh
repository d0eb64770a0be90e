small
poolscope tags small.dmp --csv
