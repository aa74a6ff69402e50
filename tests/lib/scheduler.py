"""A real lockstep-scheduler in a directory of its own, and agents and clients that
speak to it from Python."""

import contextlib
import os
import pathlib
import select
import signal
import subprocess
import tempfile
import threading
import time

import wire

BIN = pathlib.Path(os.environ.get(
    "LOCKSTEP_BIN", pathlib.Path(__file__).resolve().parents[2] / "build/bin"))


def digest(cores=8, gpus=4, nics=2, memory_bytes=64 << 30, host="fake"):
    """A node of two NUMA domains; GPU i is near NIC i * nics / gpus."""
    half = cores // 2
    return {
        "host": host, "packages": 1, "cores": cores, "pus": cores,
        "memory_bytes": memory_bytes, "cpu_model": "fake", "source": "a test",
        "numas": [{"os_index": i, "memory_bytes": memory_bytes // 2, "package": 0,
                   "cores": f"{i * half}-{i * half + half - 1}"} for i in range(2)],
        "gpus": [{"index": i, "model": "GPU", "vendor": "nvidia", "uuid": f"GPU-{i}",
                  "bus_id": f"0000:{i:02x}:00.0", "numa": i * 2 // gpus,
                  "nic": i * nics // gpus if nics else -1, "subtype": "NVML",
                  "cores": f"{i * 2 // gpus * half}-{i * 2 // gpus * half + half - 1}"}
                 for i in range(gpus)],
        "nics": [{"index": i, "name": f"mlx5_{i}", "kind": "rdma", "numa": i,
                  "bus_id": f"0000:{64 + i:02x}:00.0", "active": True,
                  "guid": f"0000:0000:0000:000{i}",
                  "cores": f"{i * half}-{i * half + half - 1}"} for i in range(nics)],
        "gpu_gpu": bytes(wire.PATH_SELF if a == b else wire.PATH_NVLINK
                         for a in range(gpus) for b in range(gpus)),
        "gpu_nic": bytes(wire.PATH_PIX for _ in range(gpus * nics)),
        "nic_nic": bytes(wire.PATH_SELF if a == b else wire.PATH_SYS
                         for a in range(nics) for b in range(nics)),
        "link_mb_per_s": [0 if a == b else 450000
                          for a in range(gpus) for b in range(gpus)],
    }


class Scheduler:
    """Start on entry, SIGTERM on exit; restart() and kill() in between."""

    def __init__(self, *options, directory=None):
        self.options = [str(option) for option in options]
        self._temporary = None
        if directory is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="lsd-", dir="/tmp")
            directory = self._temporary.name
        self.dir = pathlib.Path(directory)
        self.log_path = self.dir / "scheduler.log"
        self.process = None
        self.addresses = []
        self.open = contextlib.ExitStack()

    def __enter__(self):
        try:
            self.start()
        except RuntimeError:
            self._clean_up()
            raise
        return self

    def __exit__(self, *_):
        self.open.close()
        self.stop()
        self._clean_up()

    def _clean_up(self):
        if self._temporary:
            self._temporary.cleanup()

    def start(self):
        """Returns when it listens; raises RuntimeError with its stderr when it ends."""
        reader, writer = os.pipe()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [BIN / "lockstep-scheduler", "--dir", self.dir,
                 "--ready-fd", str(writer), *self.options],
                pass_fds=[writer], stderr=log, stdin=subprocess.DEVNULL)
        os.close(writer)
        with os.fdopen(reader) as ready:
            line = ready.readline()
        if not line:
            self.process.wait(30)
            raise RuntimeError(self.log())
        self.addresses = line.split()

    def log(self):
        return self.log_path.read_text(errors="replace")

    def wait_log(self, text, seconds=30):
        """Until the log has the text."""
        deadline = time.monotonic() + seconds
        while text not in self.log():
            assert time.monotonic() < deadline, f"no {text!r} in:\n{self.log()}"
            assert self.process.poll() is None, self.log()
            select.select([], [], [], 0.02)

    def stop(self):
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(30)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    @property
    def socket(self):
        return self.dir / "scheduler.sock"

    @property
    def tcp(self):
        host, port = self.addresses[1].rsplit(":", 1)
        return host, int(port)

    def connect(self, address=None):
        """A connection without a hello; closed with the scheduler."""
        return self.open.enter_context(wire.Connection(address or self.socket))

    def client(self):
        connection = self.connect()
        connection.hello(wire.ROLE_CLIENT)
        return connection

    def agent(self, name, steps=(), incarnation=1, node=None, heartbeats=True):
        """A registered agent, with a thread that sends its heartbeats."""
        connection = self.connect()
        connection.hello(wire.ROLE_AGENT, name=name)
        connection.name = name
        connection.ask("register", {"node": name, "incarnation": incarnation,
                                    "digest": node or digest(host=name),
                                    "steps": list(steps)})
        if heartbeats:
            self._start_heartbeats(connection)
        return connection

    def _start_heartbeats(self, connection):
        ended = threading.Event()

        def beat():
            try:
                while not ended.wait(1):
                    connection.send("heartbeat")
            except OSError:
                pass  # closed by either side

        thread = threading.Thread(target=beat)
        thread.start()
        self.open.callback(thread.join)
        self.open.callback(ended.set)


def spec(*argv, **more):
    return {"name": argv[0] if argv else "job", "argv": list(argv or ["true"]),
            "cwd": "/", "env": ["PATH=/usr/bin:/bin"], **more}


def submit(client, *argv, **more):
    return client.ask("submit", {"spec": spec(*argv, **more)})["job"]


def job_info(client, job):
    return client.ask("jobs", {"job": job})["jobs"][0]


def report(agent, launch, state, address="", **more):
    agent.send("step_report", {"job": launch["job"], "attempt": launch["attempt"],
                               "node": agent.name, "state": state, "address": address,
                               **more})


def own_ranks(launch):
    return [rank["rank"] for rank in launch["ranks"]
            if rank["node"] == launch["node_index"]]


def prepare(agent):
    """Take a Launch and report READY; returns the launch."""
    _, _, launch = agent.receive_body("launch")
    report(agent, launch, wire.STEP_READY, address=f"127.0.0.1:{4000 + launch['job']}")
    return launch


def end(agent, launch, exit_code=0, reason=""):
    """Report that all ranks of this node have ended, and wait for StepForget."""
    ranks = [{"rank": rank, "node": agent.name, "pid": 1000 + rank, "ended": True,
              "exit_code": exit_code} for rank in own_ranks(launch)]
    report(agent, launch, wire.STEP_ENDED, ranks=ranks, reason=reason)
    while True:
        _, _, forget = agent.receive_body("step_forget")
        if forget["job"] == launch["job"]:
            return
