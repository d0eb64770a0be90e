small 'header KdDebuggerDataBlock 0'
poolscope info -q small.dmp > quiet 2>&1
poolscope info -v small.dmp > loud
cmp quiet loud && echo 'the same report'
