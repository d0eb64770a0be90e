small
poolscope small.dmp --json
