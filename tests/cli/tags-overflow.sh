# What no longer had a slot of its own is counted under Ovfl.
dump overflow
poolscope tags overflow.dmp --tag Ovfl
