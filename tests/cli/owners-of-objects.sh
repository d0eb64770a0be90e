dump proc-zombies
poolscope owners proc-zombies.dmp --tag Proc | tail -n 8
