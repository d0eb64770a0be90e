# The owner of an object's tag is Windows: the verdict says who holds the objects.
screen() {
	poolscope "$1" | sed -n '1,/^File/p;/^Findings/,/^\* info \[bug-check/p' | grep -v '^File'
}
echo '--- processes that have ended'
dump proc-zombies
screen proc-zombies.dmp
echo '--- a program that leaks events'
small 'physical 256M' 'tag "Leak" np 10 10 0' 'tag "Even" np 1500100 99900 89612800' \
	'process svchost.exe pid=888 handles=1200' 'process leaky.exe pid=4324 handles=1400000'
screen small.dmp
echo '--- file objects that no handle explains'
small 'physical 256M' 'tag "Leak" np 10 10 0' 'tag "File" np 400000 1000 159600000' \
	'process svchost.exe pid=888 handles=1200'
screen small.dmp
echo '--- a dump whose processes cannot be read'
small 'physical 256M' 'tag "Leak" np 10 10 0' 'tag "Even" np 1500100 99900 89612800' \
	'process svchost.exe pid=888 handles=1200' 'missing process System' 'missing process svchost.exe'
screen small.dmp
