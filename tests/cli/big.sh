small
poolscope big small.dmp
