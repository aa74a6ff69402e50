"""A whole cluster on this machine for a test: `lockstep up` in a directory of its own on
entry, `lockstep down` on exit, and then no process of it may be left.

    class Runs(unittest.TestCase):
        def test_two_nodes(self):
            with Cluster(nodes=2, topology=HGX_H100) as cluster:
                done = cluster.lockstep("run", "-N", "2", "--", "hostname")
                self.assertEqual(done.returncode, 0)
                jobs = cluster.json("jobs", "--all")
"""

import contextlib
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("LOCKSTEP_BIN", SOURCE / "build/bin"))
HGX_H100 = SOURCE / "agent/discover/topologies/hgx-h100.xml"
SECONDS_MAX = 120  # for one command


def environment(**more):
    """This environment without what names another cluster or job, with our programs."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("LOCKSTEP_", "SLURM_")) and name != "COLUMNS"}
    return {**kept, "PATH": f"{BIN}:{kept.get('PATH', '/usr/bin:/bin')}", **more}


def poll(condition, what, seconds=60):
    """Look until the condition gives something true, and return it."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        select.select([], [], [], 0.02)
    return result


class Cluster:
    def __init__(self, nodes=1, topology=None, fabric=None, up=True, options=()):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="lst-", dir="/tmp"))
        self.env = environment(LOCKSTEP_DIR=str(self.dir))
        self._up = up
        self._options = ["--nodes", str(nodes), *map(str, options)]
        if topology:
            self._options += ["--topology", str(topology)]
        if fabric:
            self._options += ["--fabric", str(fabric)]

    def __enter__(self):
        try:
            if self._up:
                self.up(*self._options)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind, error, trace):
        if kind:
            self.show_logs()
        self.close()

    # ---- commands ------------------------------------------------------------------

    def lockstep(self, *words, check=False, **more):
        """Run a command to its end. With `check` it must succeed."""
        more.setdefault("timeout", SECONDS_MAX)
        more.setdefault("stdin", subprocess.DEVNULL)
        done = subprocess.run([BIN / "lockstep", *map(str, words)], env=self.env,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              errors="replace", **more)
        if check:
            assert done.returncode == 0, (
                f"lockstep {words}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def start(self, *words, **more):
        """Start a command; a context manager, killed at its end if it still runs."""
        more.setdefault("stdin", subprocess.DEVNULL)
        more.setdefault("stdout", subprocess.PIPE)
        more.setdefault("stderr", subprocess.PIPE)
        return _killed(subprocess.Popen([BIN / "lockstep", *map(str, words)],
                                        env=self.env, text=True, **more))

    def json(self, *words):
        return json.loads(self.lockstep(*words, "--json", check=True).stdout)

    def up(self, *options):
        return self.lockstep("up", *options, check=True)

    def submit(self, *words):
        """Submit and return the job's number."""
        first, number = self.lockstep("submit", *words, check=True).stdout.split()
        assert first == "job"
        return int(number)

    def job(self, number):
        """The job as `lockstep jobs ID --json` shows it."""
        (job,) = self.json("jobs", number)
        return job

    def wait_state(self, number, *states, seconds=60):
        """Look until the job is in one of the states; the job."""
        def reached():
            job = self.job(number)
            return job if job["state"] in states else None
        return poll(reached, f"job {number} in {states}", seconds)

    # ---- processes -----------------------------------------------------------------

    def processes(self, program=None):
        """{pid: command line} of what belongs to this cluster: its directory is among
        the arguments or in the environment. `program` keeps one kind: "lockstep-step"."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes()
                if not command:  # a zombie
                    continue
                text = command + b"\0" + (entry / "environ").read_bytes()
                words = command.split(b"\0")
                if str(self.dir).encode() not in text:
                    continue
                if program and pathlib.Path(os.fsdecode(words[0])).name != program:
                    continue
                found[int(entry.name)] = os.fsdecode(b" ".join(words)).strip()
        return found

    def pid(self, node=None):
        """The pid of the scheduler, or of a node's agent."""
        program = "lockstep-agent" if node else "lockstep-scheduler"
        (pid,) = [pid for pid, command in self.processes(program).items()
                  if not node or f"--node {node} " in command + " "]
        return pid

    def kill(self, node=None, number=signal.SIGKILL):
        """Send a signal to the scheduler or an agent and wait for its end."""
        pid = self.pid(node)
        pidfd = os.pidfd_open(pid)
        os.kill(pid, number)
        assert select.select([pidfd], [], [], 30)[0], f"{pid} does not end"
        os.close(pidfd)

    # ---- the end -------------------------------------------------------------------

    def show_logs(self):
        for path in sorted((self.dir / "log").glob("*.log")):
            lines = path.read_text(errors="replace").splitlines()[-30:]
            print(f"---- {path.name}", *lines, sep="\n", file=sys.stderr)

    def close(self):
        """Bring it down. Nothing of it may be left."""
        try:
            down = self.lockstep("down")
            left = self.processes()
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if left or down.returncode != 0:
                self.show_logs()
            assert down.returncode == 0, f"down: {down.stdout}{down.stderr}"
            assert not left, f"left behind: {left}"
        finally:
            shutil.rmtree(self.dir, ignore_errors=True)


@contextlib.contextmanager
def _killed(process):
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
