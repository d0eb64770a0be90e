dump missing-random
poolscope missing-random.dmp
