# Pages of tables are missing: bounds are marked, processors named, exit status 1.
dump missing-pages
poolscope tags missing-pages.dmp --top 12
