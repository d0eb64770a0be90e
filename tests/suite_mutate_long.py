"""As suite_mutate.py, with 13 times the mutants: up to an hour on two processors. Not part of
`make check`; run it (make check-mutate-long) after a change to what reads a file.
"""

import suite_mutate


def cases():
    return suite_mutate.cases(suite_mutate.LONG)
