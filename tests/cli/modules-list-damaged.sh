dump loop-modules
try poolscope modules loop-modules.dmp
dump nowhere-modules
try poolscope modules nowhere-modules.dmp
