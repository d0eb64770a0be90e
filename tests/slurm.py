"""A Slurm of our own for tests: munged, slurmctld and two slurmd ("nodes") on this machine as the
current user, in a private directory and on free ports, without systemd, root's configuration or
control groups. Everything is ended when the block ends, whatever happened.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from harness import Failure, Skip

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
PATIENCE = 10  # seconds until Slurm is ready
NODES = ("n1", "n2")

CONF = """ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={place}/munge
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/spool-%n
SlurmctldPidFile={place}/slurmctld.pid
SlurmdPidFile={place}/%n.pid
SlurmctldLogFile={place}/slurmctld.log
SlurmdLogFile={place}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
KillWait=1
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=100000,bf_interval=1
SlurmdParameters=config_overrides
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1 State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1 State=UNKNOWN
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class Slurm:
    def __init__(self, place):
        self.place = place
        self.daemons = []
        self.environment = {**os.environ, "SLURM_CONF": os.path.join(place, "slurm.conf")}

    def write(self, name, text, mode=0o600):
        path = os.path.join(self.place, name)
        with open(path, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)

    def daemon(self, *command):
        with open(os.path.join(self.place, "daemons.out"), "ab") as out:
            # A session of its own: what it starts can be ended with it.
            self.daemons.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                                 env=self.environment, cwd=self.place,
                                                 start_new_session=True))  # fmt: skip

    def start(self):
        place = self.place
        self.write("key", os.urandom(128), 0o400)
        conf = CONF.format(place=place, host=socket.gethostname().split(".")[0], ports=free_ports(3),
                           user=pwd.getpwuid(os.getuid()).pw_name)  # fmt: skip
        self.write("slurm.conf", conf.encode(), 0o644)
        self.write("cgroup.conf", b"CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n", 0o644)
        for name in ("state", *(f"spool-{node}" for node in NODES)):
            os.mkdir(os.path.join(place, name), 0o755)
        self.daemon("munged", "--foreground", f"--key-file={place}/key", f"--socket={place}/munge",
                    f"--pid-file={place}/munge.pid", f"--log-file={place}/munge.log",
                    f"--seed-file={place}/seed")  # fmt: skip
        self.wait_for(lambda: os.path.exists(f"{place}/munge"), "munged opens no socket")
        self.daemon("slurmctld", "-D")
        for node in NODES:
            self.daemon("slurmd", "-D", "-N", node)
        self.wait_for(lambda: self.ask("sinfo", "-h", "-o", "%t %D") == f"idle {len(NODES)}", "no node is ready")

    def wait_for(self, ready, words):
        deadline = time.monotonic() + PATIENCE
        while not ready():
            if time.monotonic() > deadline or any(one.poll() is not None for one in self.daemons):
                with open(os.path.join(self.place, "daemons.out"), encoding="utf-8", errors="replace") as file:
                    said = [line.strip() for line in file if "error" in line.lower()]
                raise Skip(f"Slurm does not start here: {words}; {' / '.join(said[-2:])}")
            time.sleep(0.1)

    def ask(self, *command, timeout=20):
        """What a command of Slurm prints; empty when it failed."""
        done = subprocess.run(command, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=timeout, check=False)  # fmt: skip
        return done.stdout.decode().strip() if done.returncode == 0 else ""

    def state(self, job):
        """JobState of a job, or of a task (ARRAY_TASK)."""
        for word in self.ask("scontrol", "-o", "show", "job", job).split():
            if word.startswith("JobState="):
                return word[len("JobState="):]
        return ""

    def wait_state(self, job, wanted, seconds=30):
        deadline = time.monotonic() + seconds
        while self.state(job) not in wanted:
            if time.monotonic() > deadline:
                raise Failure(f"job {job} is {self.state(job)!r} after {seconds} s, not {' or '.join(wanted)}\n"
                              + self.ask("squeue", "-a"))  # fmt: skip
            time.sleep(0.1)

    def stop(self):
        if self.daemons:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.ask("scancel", "--full", "--signal=KILL", "--state=RUNNING", "--user", str(os.getuid()), timeout=5)
        for one in reversed(self.daemons):
            one.terminate()
        for one in self.daemons:
            try:
                one.wait(timeout=5)
            except subprocess.TimeoutExpired:
                os.killpg(one.pid, signal.SIGKILL)
                one.wait()
        end_those_of(self.place)


def end_those_of(place):
    """slurmstepd leads a session of its own, and so do its tasks: known by the configuration's place."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if f"SLURM_CONF={place}/".encode() in file.read() and int(pid) != os.getpid():
                    os.kill(int(pid), signal.SIGKILL)
        except OSError:
            continue


@contextlib.contextmanager
def running():
    missing = [name for name in PROGRAMS if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")]
    if missing:
        raise Skip(f"{missing[0]} is not installed; make check-slurm installs it")
    # A socket's name is short: not under build/.
    place = tempfile.mkdtemp(prefix="poolscope-slurm-")
    os.chmod(place, 0o755)  # munged wants it so; the key is 0400
    cluster = Slurm(place)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(place, ignore_errors=True)
