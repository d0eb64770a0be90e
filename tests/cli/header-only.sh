# A header without memory: info prints it, the rest says what is missing and how to get it.
small "container type3"
for command in info analyze tags modules; do
	try poolscope $command small.dmp
done
