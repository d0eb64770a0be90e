machine='process a.exe pid=100 handles=10 threads=1
process b.exe pid=104 handles=20 threads=1
process c.exe pid=108 handles=30 threads=1
process d.exe pid=112 handles=40 threads=1'
for damage in 'process-list loop' 'process-list nowhere' 'process-list backlink' 'missing handle-table c.exe'; do
	echo "--- $damage"
	small "$machine" "$damage"
	try poolscope processes small.dmp
done
