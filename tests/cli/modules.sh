small
poolscope modules small.dmp
