small
poolscope info small.dmp
