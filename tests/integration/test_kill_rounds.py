#!/usr/bin/env python3
"""kill -9 of scheduler, agent, step and rank at random moments, round after round, while
jobs come and go. No accepted job is lost or run twice, nothing is orphaned, no shared
memory is left.

LOCKSTEP_SEED replays a run's choices; LOCKSTEP_ROUNDS makes it longer or shorter."""

import collections
import contextlib
import os
import pathlib
import random
import select
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from cluster import HGX_H100, Cluster, poll  # noqa: E402

ROUNDS = int(os.environ.get("LOCKSTEP_ROUNDS", "50"))
SEED = int(os.environ.get("LOCKSTEP_SEED", random.SystemRandom().randrange(1 << 32)))
ENDED = {"completed", "failed", "cancelled", "timeout", "node_fail"}

# Each rank says that it ran, once, by an append that no other can tear; then it works for
# a while: in a grandchild of its own session, in the exchange, or not at all.
RANK = r"""
echo "$LOCKSTEP_JOB_ID $LOCKSTEP_RANK" >> "$STARTED"
case $1 in
sleep) setsid sleep 0.3 & wait ;;
hello) exec lockstep-hello ;;
quick) ;;
esac
"""


class Killer:
    """Picks something that lives and kills it; brings daemons back."""

    def __init__(self, cluster, chance):
        self.cluster, self.chance = cluster, chance
        self.counts = collections.Counter()

    def processes(self, program):
        return sorted(self.cluster.processes(program))

    def ranks(self):
        """Every process of a job but its step."""
        found = []
        for pid in self.cluster.processes():
            with contextlib.suppress(OSError):
                environ = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
                if b"LOCKSTEP_RANK=" in environ:
                    found.append(pid)
        return sorted(found)

    def strike(self):
        kind = self.chance.choice(["scheduler", "agent", "step", "rank"])
        pids = (self.ranks() if kind == "rank"
                else self.processes(f"lockstep-{kind}"))
        if not pids:
            self.counts["nothing to kill"] += 1
            return
        pid = self.chance.choice(pids)
        with contextlib.suppress(ProcessLookupError):
            pidfd = os.pidfd_open(pid)
            os.kill(pid, signal.SIGKILL)
            poll(lambda: has_ended(pidfd), f"end of {pid}")
            os.close(pidfd)
            self.counts[kind] += 1
        if kind in ("scheduler", "agent"):
            self.cluster.up()


def has_ended(pidfd):
    return bool(select.select([pidfd], [], [], 0)[0])


class KillRounds(unittest.TestCase):
    def submit_one(self, cluster, chance, script):
        nodes = chance.choice([1, 1, 2, 3])
        kind = chance.choice(["sleep", "quick", "hello"])
        done = cluster.lockstep("submit", "-N", nodes, "-n", nodes * chance.choice([1, 2]),
                                "--kill-grace", "1s", "--", "/bin/sh", script, kind)
        # The scheduler may be down: then nothing was accepted, and that is said.
        return int(done.stdout.split()[1]) if done.returncode == 0 else None

    def check_started_once(self, path, jobs):
        counts = collections.Counter(path.read_text().split("\n")[:-1])
        twice = {rank: count for rank, count in counts.items() if count > 1}
        self.assertEqual(twice, {}, "ranks that were started twice")
        for job in jobs:
            ran = sum(1 for rank in counts if rank.split()[0] == str(job["id"]))
            self.assertLessEqual(ran, job["ranks"])
            if job["state"] == "completed":
                self.assertEqual(ran, job["ranks"], f"job {job['id']}")

    def all_ended(self, cluster):
        jobs = cluster.json("jobs", "--all")
        return jobs if all(job["state"] in ENDED for job in jobs) else None

    def test_nothing_is_lost_or_run_twice(self):
        chance = random.Random(SEED)
        print(f"replay with LOCKSTEP_SEED={SEED}")
        with Cluster(nodes=3, topology=HGX_H100) as cluster:
            started = cluster.dir / "started"
            started.touch()
            cluster.env["STARTED"] = str(started)
            script = cluster.dir / "rank.sh"
            script.write_text(RANK)
            killer, accepted = Killer(cluster, chance), []
            for _ in range(ROUNDS):
                for _ in range(chance.randrange(1, 4)):
                    job = self.submit_one(cluster, chance, script)
                    accepted += [job] if job else []
                killer.strike()
            jobs = poll(lambda: self.all_ended(cluster), "every job ended", seconds=200)
            self.assertEqual(sorted(job["id"] for job in jobs), accepted)
            self.check_started_once(started, jobs)
            poll(lambda: not cluster.processes("lockstep-step"), "steps gone")
            self.assertEqual(killer.ranks(), [], "orphans")
            states = collections.Counter(job["state"] for job in jobs)
            print(f"{len(accepted)} jobs: {dict(states)}; killed {dict(killer.counts)}")
            self.assertGreater(states["completed"], 0)
            nodes = cluster.json("nodes")
            self.assertEqual({node["state"] for node in nodes}, {"idle"})
            left = [line for line in pathlib.Path("/proc/self/mountinfo").read_text()
                    .split("\n") if str(cluster.dir) in line]
            self.assertEqual(left, [], "mounts")
        memory = [path for path in pathlib.Path("/dev/shm").iterdir()
                  if "lockstep" in path.name]
        self.assertEqual(memory, [], "shared memory")


if __name__ == "__main__":
    unittest.main()
