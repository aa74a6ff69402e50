#!/usr/bin/env python3
"""The exchange between nodes gives the same right results whoever drives it: the step or
the ranks. lockstep-bench checks every value by itself."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from cluster import HGX_H100, Cluster  # noqa: E402


class ExchangeHosts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster(nodes=3, topology=HGX_H100))

    def check(self, host, nodes, ranks, collective):
        done = self.cluster.lockstep(
            "run", "--exchange", host, "-N", nodes, "-n", ranks, "--",
            "lockstep-bench", collective, "-b", "4", "-e", "1M", "-f", "8", "-n", "2",
            "-w", "1")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("Out of bounds values : 0 OK", done.stdout)

    def test_the_step_drives(self):
        for collective in ("allreduce", "allgather", "broadcast"):
            self.check("step", 2, 4, collective)
        self.check("step", 3, 5, "reducescatter")

    def test_the_ranks_drive(self):
        for collective in ("allreduce", "allgather", "broadcast"):
            self.check("rank", 2, 4, collective)
        self.check("rank", 3, 5, "reducescatter")

    def test_what_is_no_host_is_refused(self):
        done = self.cluster.lockstep("run", "--exchange", "moon", "--", "true")
        self.assertEqual(done.returncode, 2)
        self.assertIn("auto, step, rank", done.stderr)


if __name__ == "__main__":
    unittest.main()
