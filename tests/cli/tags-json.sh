small
poolscope tags small.dmp --json --tag Leak
