# What a finding means, and the list of them.
try poolscope explain
try poolscope explain leak-signature
try poolscope explain connections-refused
try poolscope explain leak
try poolscope explain leak-signature lock-step
try poolscope explain --json
