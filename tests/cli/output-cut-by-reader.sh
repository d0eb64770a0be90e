# `| head` is no failure of the program: SIGPIPE, and nothing on standard error.
dump notmyfault-leak
poolscope tags notmyfault-leak.dmp | head -n 2
