# The block for a support case; options that do not go with it.
dump hung-iis6 --set 'container type2'
poolscope hung-iis6.dmp --ticket
dump minidump
echo
poolscope minidump.dmp --ticket | head -20
small
try poolscope small.dmp --ticket --json
try poolscope tags small.dmp --ticket
try poolscope tags small.dmp --httperr x
try poolscope tags small.dmp --known x
