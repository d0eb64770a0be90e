dump strange-tags
poolscope tags strange-tags.dmp --sort tag --csv | grep -v '^[A-Z]'
