"""kill -9 of agent, step and ranks at random moments: what was launched ends, is told,
never runs twice, and leaves nothing behind."""

import contextlib
import os
import pathlib
import random
import signal
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import wire
from agent import WAIT_S, Node, processes_with, until

ROUNDS = int(os.environ.get("LOCKSTEP_CHAOS_ROUNDS", "60"))
SEED = int(os.environ.get("LOCKSTEP_CHAOS_SEED", random.randrange(1 << 32)))
LATEST_S = 0.4

# Each rank signs once, leaves a detached child behind, and works a little.
RANK = ("echo $LOCKSTEP_JOB_ID.$RANK >> signed; setsid sh -c 'trap \"\" TERM HUP;"
        " exec sleep 1000' & i=0; while [ $i -lt $WORK ]; do i=$((i + 1)); done")


class Round:
    """One job on one node, told like a scheduler would, whatever dies meanwhile."""

    def __init__(self, node, job, chance):
        self.node, self.job, self.chance = node, job, chance
        self.victims = chance.choice([["agent"], ["step"], ["rank"], ["agent", "step"],
                                      ["step", "agent"], ["rank", "agent"]])
        self.work = chance.choice([0, 3000, 100000])
        self.message = node.launch_message("sh", "-c", RANK, job=job, ranks_per_node=2)
        self.message["spec"]["env"].append(f"WORK={self.work}")

    def __str__(self):
        return f"job {self.job} (work {self.work}): {self.victims}"

    def pids_of(self, victim):
        if victim == "agent":
            return [self.node.agent.pid]
        suffix = f"/steps/{self.job}.1"
        found = processes_with(str(self.node.dir) + "/")
        steps = [pid for pid, command in found.items()
                 if "lockstep-step" in command and command.strip().endswith(suffix)]
        if victim == "step":
            return steps
        return [pid for pid, command in found.items()
                if pid not in steps and "echo $LOCKSTEP_JOB_ID" in command][:1]

    def strike(self):
        for victim in self.victims:
            for pid in self.pids_of(victim):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)

    def reconnect(self):
        """The agent is dead: start another one."""
        self.node.agent.wait(WAIT_S)
        self.node.start()
        peer = self.node.peers["n0"] = self.node.accept().welcome()
        if self.job not in [step["job"] for step in peer.registration["steps"]]:
            # As the scheduler does with what was launched and never got ready.
            assert not self.was_ready, f"{self}: the node came back without it"
            peer.send("launch", self.message)

    def run(self):
        """Returns the final report."""
        self.was_ready = False
        striker = threading.Timer(self.chance.random() * LATEST_S, self.strike)
        self.node.peer.send("launch", self.message)
        striker.start()
        try:
            report = self.follow()
        finally:
            striker.join()
        return report

    def follow(self):
        while True:
            try:
                report = self.hear()
            except (wire.Closed, BrokenPipeError):
                self.reconnect()
                continue
            if report:
                return report

    def hear(self):
        _, _, report = self.node.peer.receive_body("step_report")
        if report["job"] != self.job:
            return None
        if report["state"] == wire.STEP_READY:
            self.was_ready = True
            self.node.peer.send("step_start", {"job": self.job, "attempt": 1,
                                               "addresses": [report["address"]]})
        return report if report["state"] == wire.STEP_ENDED else None

    def forget(self, report):
        """Until the directory is gone; the agent may have been killed just now."""
        def gone():
            if self.node.agent.poll() is not None:
                self.reconnect_idle()
            self.node.peer.forget(report)
            return not self.node.step_dir(self.job).exists()
        until(gone, f"{self}: forgotten")

    def reconnect_idle(self):
        self.node.start()
        self.node.peers["n0"] = self.node.accept().welcome()


class Chaos(unittest.TestCase):
    def check(self, node, round_, report):
        signed = (node.work / "signed").read_text().split() if (
            node.work / "signed").exists() else []
        mine = [line for line in signed if line.startswith(f"{round_.job}.")]
        self.assertEqual(len(mine), len(set(mine)), f"{round_}: a rank ran twice")
        for rank in report["ranks"]:
            self.assertTrue(rank["ended"] or not rank["pid"], f"{round_}: {report}")
        clean = not report["reason"] and all(
            rank["ended"] and rank["exit_code"] == 0 for rank in report["ranks"])
        if clean:
            self.assertEqual(len(mine), 2, f"{round_}: {report}")
        # The step itself may be on its way out; of the job nothing may be left.
        left = {pid: command for pid, command in node.leftovers().items()
                if "lockstep-step" not in command}
        self.assertEqual(left, {}, f"{round_}: {report}")
        return clean

    def test_random_deaths_lose_nothing_and_run_nothing_twice(self):
        print(f"LOCKSTEP_CHAOS_SEED={SEED}", file=sys.stderr)
        chance = random.Random(SEED)
        clean = 0
        with Node() as node:
            for job in range(1, ROUNDS + 1):
                round_ = Round(node, job, chance)
                report = round_.run()
                if node.agent.poll() is not None:
                    round_.reconnect_idle()
                clean += self.check(node, round_, report)
                round_.forget(report)
            node.assert_nothing_left()
        # Some rounds end before the strike and some after: both kinds were seen.
        self.assertTrue(ROUNDS < 30 or 0 < clean < ROUNDS, f"{clean} of {ROUNDS} clean")


if __name__ == "__main__":
    unittest.main()
