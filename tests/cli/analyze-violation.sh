# The big-page table has more of a tag than its tracker entry.
dump violate
poolscope violate.dmp --top 3
