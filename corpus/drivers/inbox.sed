# Calls of imports as compilers write them for import optimisation.
s/^([[:space:]]*)callq[[:space:]]+\*(__imp_[A-Za-z0-9_]+)\(%rip\)/\1.byte 0x48\n\1callq *\2(%rip)\n\1.byte 0x0f, 0x1f, 0x44, 0, 0/
s/^([[:space:]]*)jmpq[[:space:]]+\*(__imp_[A-Za-z0-9_]+)\(%rip\)/\1.byte 0x48\n\1jmpq *\2(%rip)/
