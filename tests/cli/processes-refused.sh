echo '--- no processes'
small
try poolscope processes small.dmp
try poolscope processes small.dmp --json
echo '--- a minidump'
dump minidump
try poolscope processes minidump.dmp
echo '--- what the command has not'
small 'process a.exe'
try poolscope processes small.dmp --sort bytes
try poolscope tags small.dmp --sort handles
try poolscope processes small.dmp --tag Proc
