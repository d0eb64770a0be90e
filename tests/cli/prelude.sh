# What every script of tests/cli can call.

# dump NAME [OPTION]...: NAME.dmp from the recipe of that name.
dump() {
	local name=$1
	shift
	mkdump "$@" "$RECIPES/$name.recipe" "$name.dmp"
}

# small [LINE]...: small.dmp, a machine with six tags; LINEs are added to its recipe.
small() {
	{
		cat <<-END
			arch x64
			build 17763
			processors 2
			physical 16M
			container type6
			time 2019-06-14T09:21:07Z
			uptime 14d6h
			bugcheck 0xD1 0xFFFFBB8412345000 2 0 0xFFFFF80B6A2F1130
			kernel-pdb ntkrnlmp.pdb 0123456789ABCDEF0123456789ABCDEF 1
			va kernel 0xFFFFF80002000000
			va drivers 0xFFFFF80008000000
			va nonpaged 0xFFFFD00000000000
			va paged 0xFFFFC00000000000
			tracker-entries 512
			bigpages size=512
			tag "Irp " np 88112 87904 96512
			tag "Leak" np 25600 0 26214400
			tag "Thre" np 41870 40602 1622016
			tag "NtFs" np 9114 9001 7232 paged 812342 811002 96480
			tag "Toke" paged 91377 89021 4137216
			big "Cont" np 16 8192
			big "CM25" paged 24 20480
			driver fltmgr.sys size=0x8000 time=2018-09-15T07:12:00Z
			driver myfault.sys size=0x6000 time=2016-10-26T16:20:00Z
			unloaded dump_storport.sys size=0x1E000 time=2019-06-01T03:00:00Z
		END
		printf '%s\n' "$@"
	} | mkdump - small.dmp
}

# try COMMAND...: shows the command, all that it prints, and its exit status.
try() {
	local status
	echo "\$ $*"
	"$@" 2>&1
	status=$?
	[ $status -eq 0 ] || echo "(exit status $status)"
	echo
}
