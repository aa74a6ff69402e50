"""lockstep-bench in all the ways it can be started. What it measures is not looked at, only
that it measures, that all data is right, and how it reports."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from cluster import BIN, SOURCE, environment, poll

TYPES = {"float32", "float64", "float16", "bfloat16", "int32", "int64"}
OPS = {"sum", "avg", "min", "max", "prod"}
QUICK = ["--time-budget", "0.005"]
MPIRUN = ["mpirun", "--oversubscribe", *(["--allow-run-as-root"] if os.geteuid() == 0 else [])]
needs_mpi = unittest.skipUnless(shutil.which("mpirun"), "no mpirun")


class Bench(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(self.enterContext(
            tempfile.TemporaryDirectory(prefix="lst-")))
        self.mark = f"BENCH_TEST={uuid.uuid4()}"
        name, value = self.mark.split("=")
        # In the sanitizer builds: leaks of libfabric are not ours, and of Open MPI, which
        # unloads its plug-ins before anyone could tell whose leaks they are, even less.
        leaks = "0" if "mpi" in self._testMethodName else "1"
        self.env = environment(**{
            name: value, "ASAN_OPTIONS": f"detect_leaks={leaks}",
            "LSAN_OPTIONS": f"suppressions={SOURCE}/tests/lib/leaks.supp:"
                            "print_suppressions=0"})

    def tearDown(self):
        # mpirun may still be ending its own helpers
        poll(lambda: not self.processes(), f"no process left: {self.processes()}", 20)

    def processes(self):
        """{pid: command} of what was started by this test and still runs."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and self.mark.encode() in (
                        entry / "environ").read_bytes():
                    found[int(entry.name)] = (entry / "cmdline").read_bytes()
            except OSError:
                pass
        return found

    def bench(self, *words, launcher=()):
        return subprocess.run([*launcher, BIN / "lockstep-bench", *map(str, words)],
                              env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=240)

    def rows(self, *words, launcher=()):
        """Run with --json; the object, after all that must hold for any run."""
        path = self.dir / f"{uuid.uuid4()}.json"
        done = self.bench(*words, *QUICK, "--json", path, launcher=launcher)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        run = json.loads(path.read_text())
        self.assertEqual(run["wrong"], 0)
        for row in run["rows"]:
            self.assertGreater(row["time_us"], 0)
            self.assertGreaterEqual(row["p99_us"], row["p50_us"])
            self.assertGreater(row["limit_us"], 0)
            for key in ("algbw", "busbw", "wrong", "limit_share", "ratio"):
                self.assertIn(key, row)
        return run

    def test_two_and_four_ranks_reduce_rightly(self):
        for ranks in (2, 4):
            run = self.rows("allreduce", "--local", ranks, "-b", 8, "-e", "256K", "-f", 8)
            self.assertEqual((run["ranks"], run["nodes"]), (ranks, 1))
            self.assertEqual([row["size"] for row in run["rows"]],
                             [8, 64, 512, 4096, 32768, 262144])
            self.assertEqual(len(run["placement"]), ranks)
            for row in run["rows"]:
                self.assertEqual((row["wrong"], row["in_place"]["wrong"]), (0, 0))
                self.assertEqual(row["count"] * 4, row["size"])
                self.assertAlmostEqual(row["busbw"],
                                       row["algbw"] * 2 * (ranks - 1) / ranks, 3)

    def test_every_type_and_operation_is_exact(self):
        run = self.rows("allreduce", "--local", 3, "-b", 100, "-e", 50000, "-f", 500,
                        "-d", "all", "-o", "all")
        self.assertEqual({(row["type"], row["op"]) for row in run["rows"]},
                         {(kind, op) for kind in TYPES for op in OPS})

    def test_every_collective_is_exact(self):
        for collective in ("reducescatter", "allgather", "broadcast"):
            run = self.rows(collective, "--local", 3, "-b", 0, "-e", 100000, "-i", 33333,
                            "-d", "float,half,int64")
            self.assertEqual({row["type"] for row in run["rows"]},
                             {"float32", "float16", "int64"})
        run = self.rows("broadcast", "--local", 3, "-r", 2, "-b", 4096, "-e", 4096)
        self.assertEqual(run["rows"][0]["root"], 2)
        run = self.rows("barrier", "--local", 3)
        self.assertEqual([row["size"] for row in run["rows"]], [0])

    def test_ordinary_memory_works(self):
        self.rows("allreduce", "--local", 2, "-b", 1000, "-e", 100000, "-f", 100,
                  "--memory", "malloc")

    def test_emulated_nodes_exchange_over_the_network(self):
        for ranks, per_node in ((2, 1), (4, 2)):
            run = self.rows("allreduce", "--local", ranks, "--ranks-per-node", per_node,
                            "-b", 64, "-e", "64K", "-f", 1024)
            self.assertEqual(run["nodes"], 2)
            self.assertEqual(len({place["node"] for place in run["placement"]}), 2)
            self.assertGreater(run["machine"]["tcp_gb_per_s"], 0)

    def test_alone_it_is_one_rank(self):
        run = self.rows("allreduce", "-b", 64, "-e", 64)
        self.assertEqual(run["ranks"], 1)

    @needs_mpi
    def test_under_mpirun_both_libraries_run_in_turn(self):
        run = self.rows("allreduce", "--vs", "mpi", "-b", 8, "-e", "64K", "-f", 512,
                        "-d", "float,half", launcher=[*MPIRUN, "-np", "2"])
        self.assertEqual(run["ranks"], 2)
        self.assertIn("Open MPI", run["mpi"])
        for row in run["rows"]:
            if row["type"] == "float16":  # MPI has no such type
                self.assertIsNone(row["ratio"])
            else:
                self.assertAlmostEqual(row["ratio"] * row["time_us"], row["mpi_time_us"], 2)

    @needs_mpi
    def test_emulated_nodes_under_mpirun_warn_of_shared_memory(self):
        words = ["allreduce", "--vs", "mpi", "--ranks-per-node", 1, "-b", 8, "-e", 8, *QUICK]
        done = self.bench(*words, launcher=[*MPIRUN, "-np", "2"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("--mca btl tcp,self", done.stderr)
        done = self.bench(*words, launcher=[*MPIRUN, "--mca", "btl", "tcp,self", "-np", "2"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("warning", done.stderr)

    @needs_mpi
    def test_without_mpirun_mpi_runs_beside(self):
        for words in (["--local", 2], ["--local", 2, "--ranks-per-node", 1]):
            run = self.rows("allreduce", "--vs", "mpi", *words, "-b", 8, "-e", "4K",
                            "-f", 512)
            self.assertTrue(all(row["mpi_time_us"] > 0 for row in run["rows"]))
            self.assertEqual("tcp,self" in run["mpi"], len(words) > 2)

    def test_missing_mpirun_is_an_error(self):
        self.env["PATH"] = str(self.dir)
        done = self.bench("allreduce", "--local", 2, "--vs", "mpi", "-e", 8)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot start mpirun: No such file", done.stderr)

    def test_table_has_the_columns_of_nccl_tests(self):
        done = self.bench("allreduce", "--local", 2, "-e", 64, *QUICK)
        lines = done.stdout.splitlines()
        titles = next(line for line in lines if " #wrong " in line).split()
        self.assertEqual(titles, "# size count type redop root time algbw busbw #wrong "
                                 "time algbw busbw #wrong p50 p99 limit".split())
        first = next(line for line in lines if not line.startswith("#")).split()
        self.assertEqual(first[:5], ["8", "2", "float32", "sum", "-1"])
        self.assertTrue(any("Rank  1 Pid" in line for line in lines))
        self.assertTrue(any(line.startswith("# Avg bus bandwidth") for line in lines))

    def test_json_and_csv_on_stdout_stand_alone(self):
        done = self.bench("allreduce", "-e", 8, *QUICK, "--json", "-")
        self.assertEqual(json.loads(done.stdout)["collective"], "allreduce")
        self.assertIn("# Avg bus bandwidth", done.stderr)
        done = self.bench("allreduce", "-e", 8, *QUICK, "--csv", "-")
        titles, values = (line.split(",") for line in done.stdout.splitlines())
        self.assertEqual(len(titles), len(values))
        self.assertEqual(titles[0], "size")
        self.assertEqual(values[0], "8")

    def test_a_regression_against_the_baseline_exits_with_1(self):
        words = ["allreduce", "-b", 8, "-e", 64, "-f", 8, *QUICK]
        path = self.dir / "baseline.json"
        self.assertEqual(self.bench(*words, "--json", path).returncode, 0)
        done = self.bench(*words, "--baseline", path, "--tolerance", 999)
        self.assertEqual(done.returncode, 0, done.stderr)
        run = json.loads(path.read_text())
        for row in run["rows"]:
            row["time_us"] /= 1e6  # nothing is that fast
        path.write_text(json.dumps(run))
        done = self.bench(*words, "--baseline", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("2 of 2 rows are slower", done.stderr)
        done = self.bench("barrier", "--baseline", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("is of allreduce", done.stderr)

    def test_wrong_usage_exits_with_2_and_says_why(self):
        for words, why in [
            (["scatter"], "no such collective; there are allreduce, reducescatter"),
            ([], "which collective?"),
            (["allreduce", "-d", "quad"], "-d quad"),
            (["allreduce", "--nosuch"], "--nosuch: no such option"),
        ]:
            done = self.bench(*words)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(why, done.stderr)
        self.assertEqual(self.bench("--help").returncode, 0)

    def test_a_killed_rank_ends_the_run(self):
        words = ["allreduce", "--local", "3", "-b", "8", "-e", "8", "--time-budget", "60"]
        with subprocess.Popen([BIN / "lockstep-bench", *words], env=self.env, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as run:
            while "(GB/s)" not in run.stdout.readline():  # the table's head: it measures
                self.assertIsNone(run.poll())
            ranks = [pid for pid in self.processes() if pid != run.pid]
            self.assertEqual(len(ranks), 3)
            os.kill(ranks[1], signal.SIGKILL)
            run.communicate(timeout=60)
            self.assertNotEqual(run.returncode, 0)


if __name__ == "__main__":
    unittest.main()
