dump negative-cpus
poolscope negative-cpus.dmp
