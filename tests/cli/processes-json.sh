small 'process System handles=712 threads=90' 'process svchost.exe pid=888 session=0 handles=90 threads=4' \
	'process sh.exe pid=4000 parent=888 session=1 holds=ls.exe threads=1' \
	'process ls.exe pid=4004 parent=4000 session=1 exited count=2'
poolscope processes small.dmp --json
