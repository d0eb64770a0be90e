small
poolscope big small.dmp --list --json
