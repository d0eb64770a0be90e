small
poolscope tags small.dmp --color=always --top 2 | cat -v
NO_COLOR=1 poolscope tags small.dmp --color=auto --top 2 | cat -v
