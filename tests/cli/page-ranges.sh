# Dumps that debuggers write: page ranges.
for type in 8 10 "7 body=ranges"; do
	small "container type$type"
	try poolscope info small.dmp
done
small "container type10" "bitmap-count +5"
try poolscope small.dmp
