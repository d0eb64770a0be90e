# The first table is full; tags of the expansion table stand beside the others.
dump expansion
poolscope tags expansion.dmp --top 12
