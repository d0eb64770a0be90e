# Whose a tag is, with the code around its sites: one driver, two drivers, the kernel for others, a
# tag list only, and tags that nobody has or uses.
dump notmyfault-leak
try poolscope owners notmyfault-leak.dmp --tag Leak
dump hung-iis6
try poolscope owners hung-iis6.dmp --tag SavF --tag SavN
try poolscope owners hung-iis6.dmp --tag File --tag SeTd
try poolscope owners hung-iis6.dmp --tag Nope
