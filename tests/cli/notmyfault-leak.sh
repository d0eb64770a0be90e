# 64-bit server, tag Leak of myfault.sys.
dump notmyfault-leak
poolscope notmyfault-leak.dmp
