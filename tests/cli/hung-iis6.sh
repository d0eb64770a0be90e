# Windows Server 2003 with /3GB: nonpaged pool nearly full, one filter driver's tag far on top.
dump hung-iis6
poolscope hung-iis6.dmp
