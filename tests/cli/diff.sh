small
mv small.dmp old.dmp
small 'time 2019-06-14T12:21:07Z' 'uptime 14d9h' 'tag "Leak" np 51200 0 52428800' \
	'tag "LeaB" np 25600 0 12345600' 'tag "Obj1" paged 25601 1 40960000' 'tag "Irp " np 88112 88112 0'
mv small.dmp new.dmp
small 'time 2019-06-16T12:21:07Z' 'uptime 1h' 'tag "Leak" np 600 0 614400'
mv small.dmp later.dmp
poolscope analyze old.dmp --json > old.json
cat > log.txt <<-END
	 Memory:   16384K Avail:    1024K  PageFlts:     0   InRam Krnl: 1916K P:17856K
	 Commit: 203500K Limit: 640916K Peak: 260632K            Pool N: 8332K P:27220K

	 Tag  Type     Allocs            Frees            Diff   Bytes       Per Alloc

	 Leak Nonp      25600             0           25600   26214400        1024
	 Irp  Nonp 4294967295 (   0) 4294967292 (   0)        3       4096 (     0)   1365
	 Bad  Nonp      25600             0           25601   26214400        1024
END
try poolscope diff old.dmp new.dmp
try poolscope diff new.dmp old.dmp --top 1 --sort rate --no-owners
try poolscope diff old.json new.dmp --nonpaged --csv
try poolscope diff old.dmp new.dmp later.dmp --tag Leak
try poolscope diff log.txt new.dmp --tag Leak --tag Irp
try poolscope diff new.dmp
try poolscope diff
try poolscope diff new.dmp -
try poolscope diff new.dmp absent.dmp
try poolscope diff new.dmp old.dmp --sort allocs
try poolscope tags new.dmp --sort rate
echo '{"schema": "poolscope/1", "pool": {"tags": null}}' > bad.json
try poolscope diff bad.json new.dmp
try poolscope diff bad.json new.dmp --json
