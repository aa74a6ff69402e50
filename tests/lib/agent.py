"""A real lockstep-agent, and a scheduler for it that is this test."""

import contextlib
import os
import pathlib
import select
import signal
import socket
import subprocess
import tempfile
import threading
import time

import wire

BIN = pathlib.Path(os.environ.get(
    "LOCKSTEP_BIN", pathlib.Path(__file__).resolve().parents[2] / "build/bin"))
WAIT_S = int(os.environ.get("LOCKSTEP_TEST_WAIT_S", "60"))


def until(condition, what, seconds=WAIT_S):
    """Wait for a condition that nobody announces; returns its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not in {seconds} s: {what}"
        select.select([], [], [], 0.01)


def processes_with(text):
    """{pid: command line} of living processes with `text` in environment or command."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            folder = pathlib.Path("/proc") / entry
            command = (folder / "cmdline").read_bytes()
            if text.encode() in (folder / "environ").read_bytes() + command:
                found[int(entry)] = command.replace(b"\0", b" ").decode()
        except OSError:
            continue  # gone, or a zombie
    return found


def is_alive(pid):
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


class Peer(wire.Connection):
    """The scheduler's end of an agent's connection."""

    def __init__(self, accepted):
        self.socket = accepted
        self.socket.settimeout(WAIT_S)
        self.received = b""
        self.sending = threading.Lock()
        self.last_request = 1000
        self.registration = None

    def welcome(self, heartbeat_ms=60000):
        """Answer hello and registration; the latter is kept."""
        request, _, self.hello_message = self.receive_body("hello")
        self.send("welcome", {"protocol": wire.PROTOCOL, "version": "test"}, request)
        request, _, self.registration = self.receive_body("register")
        self.send("registered", {"heartbeat_ms": heartbeat_ms}, request)
        return self

    def report(self, state, job=None):
        """The next report in that state (of that job)."""
        while True:
            _, _, report = self.receive_body("step_report")
            if report["state"] == state and job in (None, report["job"]):
                return report

    def forget(self, report):
        self.send("step_forget", {"job": report["job"], "attempt": report["attempt"]})

    def kill(self, job, attempt=1, number=0, reason="cancelled by test"):
        self.send("step_kill", {"job": job, "attempt": attempt, "signal": number,
                                "reason": reason})


class Node:
    """A directory, a listening scheduler socket, and the agents of some nodes."""

    def __init__(self, *names, directory=None, options=()):
        self.names = names or ("n0",)
        self.options = [str(option) for option in options]
        self.directory = directory
        self.agents, self.peers = {}, {}

    def __enter__(self):
        self._open = contextlib.ExitStack()
        temporary = tempfile.TemporaryDirectory(prefix="lsa-", dir="/tmp",
                                                ignore_cleanup_errors=True)
        self._open.enter_context(temporary)
        self.dir = pathlib.Path(self.directory(temporary.name) if self.directory
                                else temporary.name)
        self.work = self.dir / "work"
        self.work.mkdir(parents=True)
        self.listener = socket.socket(socket.AF_UNIX)
        # Bound by a short name: the directory may be longer than a socket may be named.
        self.address = f"{temporary.name}/scheduler.sock"
        self.listener.bind(self.address)
        self.listener.listen()
        self.listener.settimeout(WAIT_S)
        self._open.enter_context(self.listener)
        try:
            for name in self.names:
                self.start(name)
                self.peers[name] = self.accept().welcome()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for agent in self.agents.values():
            if agent.poll() is None:
                agent.terminate()
                agent.wait(WAIT_S)
        for pid in processes_with(str(self.dir)):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        logs = "".join(path.read_text(errors="replace")
                       for path in self.dir.glob("*.log"))
        self._open.close()
        assert "Sanitizer" not in logs and "runtime error" not in logs, logs

    @property
    def peer(self):
        return self.peers[self.names[0]]

    @property
    def agent(self):
        return self.agents[self.names[0]]

    def start(self, name=None):
        name = name or self.names[0]
        with open(self.dir / f"{name}.log", "ab") as log:
            self.agents[name] = subprocess.Popen(
                [BIN / "lockstep-agent", "--node", name, "--dir", self.dir,
                 "--scheduler", f"unix:{self.address}", *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self.agents[name]

    def accept(self):
        accepted, _ = self.listener.accept()
        return self._open.enter_context(Peer(accepted))

    def log(self, name=None):
        return (self.dir / f"{name or self.names[0]}.log").read_text(errors="replace")

    def restart(self, name=None):
        """kill -9 the agent and start another; the new registration is in .peer."""
        name = name or self.names[0]
        self.agents[name].kill()
        self.agents[name].wait(WAIT_S)
        self.start(name)
        self.peers[name] = self.accept().welcome()
        return self.peers[name]

    def launch(self, *argv, job=1, attempt=1, ranks_per_node=1, **spec):
        """Send a Launch to every node; `spec` are fields of JobSpec."""
        message = self.launch_message(*argv, job=job, attempt=attempt,
                                      ranks_per_node=ranks_per_node, **spec)
        for index, name in enumerate(self.names):
            self.peers[name].send("launch", {**message, "node_index": index})

    def launch_message(self, *argv, job=1, attempt=1, ranks_per_node=1, **spec):
        ranks = [{"rank": node * ranks_per_node + i, "node": node, "local_rank": i,
                  "nic": -1}
                 for node in range(len(self.names)) for i in range(ranks_per_node)]
        return {"job": job, "attempt": attempt, "nodes": list(self.names),
                "ranks": ranks, "uid": os.getuid(), "gid": os.getgid(),
                "key": b"k" * 32, "user": "tester",
                "spec": {"name": "test", "argv": list(argv), "cwd": str(self.work),
                         "env": [f"PATH={os.environ['PATH']}"], **spec}}

    def begin(self, job=1, attempt=1):
        """Wait until all nodes are ready, then start the ranks; returns the reports."""
        ready = [self.peers[name].report(wire.STEP_READY, job) for name in self.names]
        for name in self.names:
            self.peers[name].send("step_start", {
                "job": job, "attempt": attempt,
                "addresses": [report["address"] for report in ready]})
        return ready

    def run(self, *argv, job=1, **more):
        """Launch on all nodes, start, and wait for the end; one final report a node."""
        self.launch(*argv, job=job, **more)
        self.begin(job)
        return [self.peers[name].report(wire.STEP_ENDED, job) for name in self.names]

    def run_script(self, text, *arguments, **more):
        """One node runs a batch script."""
        return self.run("job.sh", *arguments, script=text.encode(), **more)[0]

    def output(self, job=1, rank=0, stream="out", name=None):
        path = (self.dir / "nodes" / (name or self.names[0]) / "output" / str(job) /
                f"{rank}.{stream}")
        return path.read_bytes()

    def step_dir(self, job=1, attempt=1, name=None):
        return (self.dir / "nodes" / (name or self.names[0]) / "steps" /
                f"{job}.{attempt}")

    def step_pid(self, job=1, attempt=1, name=None):
        """The process lockstep-step of an attempt."""
        suffix = str(self.step_dir(job, attempt, name))
        for pid, command in processes_with(suffix).items():
            if "lockstep-step" in command and command.split()[-1] == suffix:
                return pid
        return None

    def leftovers(self):
        """Processes of jobs and steps that still live."""
        agents = {agent.pid for agent in self.agents.values()}
        return {pid: command for pid, command in processes_with(str(self.dir)).items()
                if pid not in agents}

    def assert_nothing_left(self):
        until(lambda: not self.leftovers(), f"left: {self.leftovers()}")
