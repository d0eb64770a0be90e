try poolscope --version
try poolscope --help
for command in analyze tags big modules info; do
	try poolscope $command --help
done
