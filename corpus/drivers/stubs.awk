# Assembly of functions that only return 0, for the exports of a .def without a body in C.
#   awk -v machine=x64|x86|arm64 -f stubs.awk FILE.def
# On x86 a name ends with @ and the bytes of its arguments, which the function takes away.

BEGIN { print ".text" }
/^;/ || /^LIBRARY/ || /^EXPORTS/ || /; body/ || / DATA/ || NF == 0 { next }
{
	split($1, part, "@")
	name = machine == "x86" ? "_" $1 : part[1]
	print ".balign 16"
	print ".globl \"" name "\""
	print "\"" name "\":"
	if (machine == "arm64") {
		print "\tmov x0, #0\n\tret"
	} else {
		print "\txorl %eax, %eax"
		# In brackets: awk takes a bare > behind print for the name of a file.
		print (machine == "x86" && part[2] > 0 ? "\tretl $" part[2] : machine == "x86" ? "\tretl" : "\tretq")
	}
}
