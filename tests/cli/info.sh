small
poolscope info small.dmp
# Without a bug check, or with that of a live dump, nothing says that the machine crashed.
small 'bugcheck 0'
poolscope info small.dmp | sed -n '/^Crash\|^Taken\|^Bug/p'
small 'bugcheck 0x195'
poolscope info small.dmp | sed -n '/^Crash\|^Taken\|^Bug/p'
