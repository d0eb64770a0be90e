: > empty.dmp
try poolscope empty.dmp --json
try poolscope absent.dmp --json
try poolscope tags --json
small 'header Attributes 0x100'
try poolscope small.dmp --json
