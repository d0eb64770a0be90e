"""contrib/slurm on a real Slurm of this machine: a task and its batch are killed, a node fails, and the
joined results are those of one batch that nothing disturbed. And the example with GNU parallel.

Skipped with a word where Slurm or GNU parallel is not installed or does not start; `make check-slurm`
installs both.
"""

import os
import shutil
import signal
import time

import slurm
from harness import Failure, POOLSCOPE, ROOT, Skip, check, equal, run, scratch
from suite_batch import batch, contents_of, lines_of, make_cases

JOBS = 1
CONTRIB = os.path.join(ROOT, "contrib")
SHARES = 3
# The program of the tasks: the first run of a share is ended in the middle and then hangs.
HANGS = """#!/bin/sh
mark=$MARKS/$SLURM_ARRAY_TASK_ID
case " $* " in
*" --merge "*) ;;
*)	if ! [ -e "$mark" ]; then
		timeout -s KILL 0.1 "$REAL" "$@"
		echo $$ >"$mark.new" && mv "$mark.new" "$mark"
		exec sleep 600
	fi ;;
esac
exec "$REAL" "$@"
"""


def wait_for(path, seconds=25):
    deadline = time.monotonic() + seconds
    while not os.path.exists(path):
        if time.monotonic() > deadline:
            raise Failure(f"{os.path.basename(path)} does not appear within {seconds} s")
        time.sleep(0.1)


def prepare(directory):
    """Cases below a folder with a blank in its name, and what one batch makes of them."""
    plain, truths = make_cases(directory)
    folder = os.path.join(directory, "all cases")
    os.rename(plain, folder)
    whole = os.path.join(directory, "whole")
    batch(folder, "-o", whole)
    return folder, len(truths), contents_of(whole)


def compare(out, count, wanted):
    equal(len(lines_of(out)), count, "lines")
    check(contents_of(out) == wanted, "results differ from those of one batch")


def hanging_program(directory):
    program, marks = os.path.join(directory, "hangs"), os.path.join(directory, "marks")
    os.mkdir(marks)
    with open(program, "w", encoding="ascii") as file:
        os.fchmod(file.fileno(), 0o755)
        file.write(HANGS)
    return marks, {"POOLSCOPE": program, "REAL": POOLSCOPE, "MARKS": marks, "POOLSCOPE_PAUSE": "0.2"}


def at_once(cluster, task):
    """Slurm lets a task that it took back wait two minutes. A node that gets the task again in the second in which
    it was taken back fails it: "Job credential revoked"."""
    cluster.wait_state(task, ("PENDING",))
    time.sleep(1.1)
    cluster.ask("scontrol", "update", f"JobId={task}", "StartTime=now")


def disturb(cluster, job, marks):
    wait_for(os.path.join(marks, "1"))
    wait_for(os.path.join(marks, "2"))
    with open(os.path.join(marks, "1"), encoding="ascii") as file:
        os.kill(int(file.read()), signal.SIGKILL)  # the program: the task tries again
    cluster.ask("scontrol", "requeue", f"{job}_2")
    at_once(cluster, f"{job}_2")
    wait_for(os.path.join(marks, "3"))
    node = cluster.ask("squeue", "-h", "-j", f"{job}_3", "-o", "%N")
    cluster.ask("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test")
    at_once(cluster, f"{job}_3")
    cluster.ask("scontrol", "update", f"NodeName={node}", "State=RESUME")


def submit(cluster, environment, out, folder):
    """The numbers of the array and of the merge."""
    done = run([os.path.join(CONTRIB, "slurm", "submit.sh"), "-o", out, "-n", str(SHARES), folder],
               env={**cluster.environment, **environment})  # fmt: skip
    words = done.stdout.decode().replace(",", "").split()
    return words[1], words[3]


def array():
    with scratch() as directory, slurm.running() as cluster:
        folder, count, wanted = prepare(directory)
        out = os.path.join(directory, "out put")
        marks, environment = hanging_program(directory)
        job, merge = submit(cluster, environment, out, folder)
        disturb(cluster, job, marks)
        cluster.wait_state(merge, ("COMPLETED", "FAILED", "CANCELLED"))
        if cluster.state(merge) != "COMPLETED":
            with open(os.path.join(out, "merge.out"), encoding="utf-8") as file:
                raise Failure("the merge failed: " + file.read())
        with open(os.path.join(out, "task-1.out"), encoding="utf-8") as file:
            words = file.read()
        check("share 1, try 1 of 3: exit status 137" in words, "the kill of share 1 was not seen")
        check(" done before; " in words, "the task does not say what was done: " + words)
        compare(os.path.join(out, "all"), count, wanted)
    return f"{count} cases, {SHARES} shares; a kill, a requeue, a failed node"


def given_up():
    """A task is killed and not tried again: nothing is joined until the same was submitted once more."""
    with scratch() as directory, slurm.running() as cluster:
        folder, count, wanted = prepare(directory)
        out = os.path.join(directory, "out put")
        marks, environment = hanging_program(directory)
        job, merge = submit(cluster, environment, out, folder)
        wait_for(os.path.join(marks, "1"))
        cluster.ask("scancel", "--signal=KILL", f"{job}_1")
        cluster.wait_state(f"{job}_1", ("CANCELLED", "FAILED"))
        check(cluster.state(merge) != "COMPLETED", "joined though a share is not done")
        check(not os.path.exists(os.path.join(out, "shard-1-of-3.done")), "a killed share is marked as done")
        cluster.ask("scancel", job, merge)
        cluster.wait_state(merge, ("CANCELLED",))
        check(not os.path.exists(os.path.join(out, "all")), "joined though a share is not done")
        for number in range(1, SHARES + 1):
            with open(os.path.join(marks, str(number)), "a", encoding="ascii"):
                pass  # none hangs any more
        _, merge = submit(cluster, environment, out, folder)
        cluster.wait_state(merge, ("COMPLETED", "FAILED"))
        compare(os.path.join(out, "all"), count, wanted)


def parallel():
    if not shutil.which("parallel"):
        raise Skip("parallel is not installed; make check-slurm installs it")
    with scratch() as directory:
        folder, count, wanted = prepare(directory)
        out = os.path.join(directory, "out put")
        run([os.path.join(CONTRIB, "parallel", "poolscope-parallel.sh"), out, str(SHARES), folder],
            env={**os.environ, "POOLSCOPE": POOLSCOPE})  # fmt: skip
        compare(os.path.join(out, "all"), count, wanted)


def cases():
    yield "array", array
    yield "given-up", given_up
    yield "parallel", parallel
