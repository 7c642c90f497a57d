"""A Slurm cluster of one node, in a folder of its own."""

import os
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel")
CONFIGURATION = """
ClusterName=test
SlurmctldHost=localhost
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
MpiDefault=none
ReturnToService=2
SwitchType=switch/none
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdParameters=config_overrides
PlugStackConfig=/dev/null
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=2
DefMemPerCPU=500
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
KillWait=1
GresTypes=gpu
NodeName=localhost CPUs=16 RealMemory=64000 Gres=gpu:2
PartitionName=short Nodes=localhost Default=YES MaxTime=60
PartitionName=long Nodes=localhost MaxTime=INFINITE
"""

# Snakemake calls it within a job without the variables that tell where the cluster is.
SRUN = """#!/bin/sh
SLURM_CONF={folder}/slurm.conf exec {srun} "$@"
"""


def missing():
    """Say what keeps a cluster from being started here, or nothing."""
    if os.getuid() != 0:
        return "a cluster can only be started by root"
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    absent = [name for name in PROGRAMS if not shutil.which(name, path=path)]
    if absent:
        return f"no {', '.join(absent)} (Debian: slurm-wlm, munge)"
    return ""


def free_ports(n):
    """Find ports that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(n)]
        for one in sockets:
            one.bind(("localhost", 0))
        return [one.getsockname()[1] for one in sockets]


def wait_for(found, seconds, what):
    """Wait until a function returns something, and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := found():
            return answer
        time.sleep(0.2)
    raise TimeoutError(f"{what} did not happen in {seconds} s")


def jobs(env, states="all"):
    """List what Slurm knows of jobs.

    Returns
    -------
    list of dict
        id, state, mem [MB], cpus, gpus, partition and comment of each.
    """
    names = ("id", "state", "mem", "cpus", "gpus", "partition", "comment")
    form = "--Format=JobID:|,State:|,MinMemory:|,NumCPUs:|,tres-per-job:|,Partition:|,"
    done = subprocess.run(
        ["squeue", f"--states={states}", "--noheader", "--sort=i", f"{form}Comment:"],
        capture_output=True,
        text=True,
        check=True,
        env=env,
    )
    rows = [line.split("|") for line in done.stdout.splitlines()]
    listed = [dict(zip(names, row, strict=True)) for row in rows]
    for job in listed:
        number, unit = job["mem"][:-1], job["mem"][-1]
        job["mem"] = float(number) * {"M": 1, "G": 1024}[unit]
    return listed


@contextmanager
def daemon(log, *command, env):
    """Run a daemon in the foreground, and end it in the end."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=env
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def cluster(folder):
    """
    Start munge and Slurm, with keys, sockets, state and logs in a folder.

    Yields the environment in which Slurm's commands find the cluster. It has 16 CPUs,
    two GPUs in name only, the partitions short and long, and ends jobs that take more
    memory than they asked for.
    """
    folder.mkdir()
    folder.chmod(0o755)
    for name in ("state", "spool", "bin"):
        (folder / name).mkdir()
    ports = free_ports(2)
    (folder / "slurm.conf").write_text(CONFIGURATION.format(folder=folder, ports=ports))
    (folder / "gres.conf").write_text(
        "Name=gpu File=/dev/null\nName=gpu File=/dev/zero\n"
    )
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o600)
    env = {
        **{k: v for k, v in os.environ.items() if not k.startswith("SLURM")},
        "PATH": f"{folder}/bin:{os.environ['PATH']}:/usr/sbin:/sbin",
        "SLURM_CONF": str(folder / "slurm.conf"),
    }
    srun = folder / "bin/srun"
    srun.write_text(SRUN.format(folder=folder, srun=shutil.which("srun")))
    srun.chmod(0o755)
    munged = [
        *("munged", "--foreground", "--force", f"--key-file={folder}/munge.key"),
        *(f"--socket={folder}/munge.socket", f"--pid-file={folder}/munge.pid"),
        *(f"--seed-file={folder}/munge.seed", f"--log-file={folder}/munged.log"),
    ]
    with ExitStack() as stack:
        for name, *options in (munged, ["slurmctld", "-D"], ["slurmd", "-D"]):
            log = folder / f"{name}.out"
            stack.enter_context(daemon(log, name, *options, env=env))
            if name == "munged":
                wait_for((folder / "munge.socket").exists, 10, "the start of munge")

        def ready():
            nodes = ["sinfo", "--noheader", "--format=%T", "--partition=short"]
            done = subprocess.run(
                nodes, capture_output=True, text=True, check=False, env=env
            )
            return done.stdout.strip() == "idle"

        wait_for(ready, 30, "the start of Slurm")
        try:
            yield env
        finally:
            subprocess.run(["scancel", "--user=root"], check=False, env=env)
            wait_for(lambda: not jobs(env, "running,completing"), 30, "the end of jobs")
