"""As suite_batch.py's `killed`, a hundred times: on request, since it takes minutes."""

from suite_batch import killed


def cases():
    for part in range(5):
        yield f"killed-{part + 1}", killed(20, 100 + part)
