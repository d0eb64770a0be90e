small
poolscope tags small.dmp
