small 'header Attributes 0x100'
try poolscope small.dmp
small 'truncate 6000'
try poolscope small.dmp
small 'truncate 8192'
try poolscope small.dmp
small 'container type1' 'truncate 20%'
try poolscope small.dmp
