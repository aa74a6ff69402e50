"""`lockstep submit jobs logs wait cancel`: batch jobs from the shell."""

import json
import pathlib
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from cluster import HGX_H100, Cluster, poll

JOB_KEYS = {"id", "name", "user", "state", "reason", "nodes", "ranks", "submit_time",
            "start_time", "end_time", "exit_code"}
RANK_KEYS = {"rank", "node", "gpus", "nic", "cores", "pid", "ended", "exit_code", "signal",
             "text"}


class Jobs(unittest.TestCase):
    def setUp(self):
        self.cluster = self.enterContext(Cluster(nodes=2, topology=HGX_H100))

    def script(self, text, name="job.sh"):
        path = self.cluster.dir / name
        path.write_text(text)
        return path

    def logs(self, *words):
        done = self.cluster.lockstep("logs", *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    # ---- submit ----------------------------------------------------------------------

    def test_submit_prints_the_number_and_nothing_else(self):
        for number in (1, 2):
            done = self.cluster.lockstep("submit", "--", "true")
            self.assertEqual((done.returncode, done.stdout, done.stderr),
                             (0, f"job {number}\n", ""))
        done = self.cluster.lockstep("submit", "--json", "--", "true")
        self.assertEqual(json.loads(done.stdout), {"id": 3})

    def test_a_script_runs_once_with_its_directives_and_arguments(self):
        path = self.script("#!/bin/sh\n"
                           "#SBATCH --nodes=2 --ntasks-per-node 2  # comment\n"
                           "#LOCKSTEP --job-name \"from script\" --gpus-per-task 1\n"
                           "echo \"$0 $# $1 $2\"\n"
                           "#SBATCH --nodes=9\n")
        job = self.cluster.submit(path, "a b", "--nodes=7")
        self.assertEqual(self.cluster.lockstep("wait", job).returncode, 0)
        told = self.cluster.job(job)
        self.assertEqual((told["name"], len(told["nodes"]), told["gpus"]),
                         ("from script", 2, 4))
        self.assertRegex(self.logs(job), r"\A\S+ 2 a b --nodes=7\n\Z")

    def test_the_command_line_wins_over_directives(self):
        path = self.script("#!/bin/sh\n#LOCKSTEP -N 2 -J script -t 5\nexit 3\n")
        job = self.cluster.submit("-N", "1", "-J", "shell", path)
        self.assertEqual(self.cluster.lockstep("wait", job).returncode, 3)
        told = self.cluster.job(job)
        self.assertEqual((told["name"], len(told["nodes"]), told["time_limit_s"]),
                         ("shell", 1, 300))

    def test_output_files_take_patterns(self):
        out = self.cluster.dir / "out-%x-%j-%t.txt"
        job = self.cluster.submit("-n", "2", "-O", "-J", "name", "-o", out, "--",
                                  "sh", "-c", "echo $LOCKSTEP_RANK")
        self.assertEqual(self.cluster.lockstep("wait", job).returncode, 0)
        for rank in range(2):
            written = self.cluster.dir / f"out-name-{job}-{rank}.txt"
            self.assertEqual(written.read_text(), f"{rank}\n")

    def test_a_time_limit_ends_the_job(self):
        job = self.cluster.submit("-t", "0:01", "--", "sleep", "600")
        self.assertNotEqual(self.cluster.lockstep("wait", job).returncode, 0)
        self.assertEqual(self.cluster.job(job)["state"], "timeout")

    def test_too_large_jobs_are_refused_with_the_largest_that_could_run(self):
        for words, largest in [(["-N", "3"], "at most --nodes 2"),
                               (["--gpus-per-node", "9"], "at most --gpus-per-node 8"),
                               (["-c", "1000"], "112")]:
            with self.subTest(words=words):
                done = self.cluster.lockstep("submit", *words, "--", "true")
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertTrue(done.stderr.startswith("lockstep: "), done.stderr)
                self.assertIn(largest, done.stderr)

    # ---- jobs ------------------------------------------------------------------------

    def test_the_list_shows_what_waits_and_runs_and_with_all_what_has_ended(self):
        ended = self.cluster.submit("-J", "ended", "--", "true")
        self.cluster.lockstep("wait", ended, check=True)
        running = self.cluster.submit("--exclusive", "-N", "2", "--", "sleep", "600")
        waiting = self.cluster.submit("--", "true")
        self.cluster.wait_state(running, "running")
        jobs = {job["id"]: job for job in self.cluster.json("jobs")}
        self.assertEqual(set(jobs), {running, waiting})
        self.assertEqual(jobs[waiting]["state"], "pending")
        self.assertTrue(jobs[waiting]["reason"])
        self.assertEqual({job["id"] for job in self.cluster.json("jobs", "-a")},
                         {ended, running, waiting})
        table = self.cluster.lockstep("jobs", "--all").stdout.splitlines()
        self.assertEqual(table[0].split(), ["ID", "NAME", "USER", "STATE", "NODES",
                                            "RANKS", "TIME", "REASON"])
        self.assertEqual(len(table), 4)
        self.assertRegex(table[1], rf"^ *{ended} +ended +\S+ +completed +n[01] +1 ")
        self.assertRegex(table[2], rf"^ *{running} +sleep +\S+ +running +n\[0-1\] +2 ")
        self.assertNotIn("\x1b", "".join(table))

    def test_an_empty_list_says_so(self):
        self.assertIn("no jobs wait or run", self.cluster.lockstep("jobs").stdout)
        self.assertEqual(self.cluster.json("jobs"), [])

    def test_json_has_the_documented_keys_and_unix_seconds(self):
        before = time.time()
        job = self.cluster.submit("-N", "2", "-n", "4", "--gpus-per-task", "2", "--",
                                  "sh", "-c", "exit $LOCKSTEP_RANK")
        self.cluster.lockstep("wait", job)
        (listed,) = self.cluster.json("jobs", "-a")
        self.assertLessEqual(JOB_KEYS, set(listed))
        self.assertNotIn("rank_list", listed)
        told = self.cluster.job(job)
        self.assertLessEqual(JOB_KEYS | {"rank_list"}, set(told))
        self.assertEqual((told["state"], told["ranks"], told["nodes"]),
                         ("failed", 4, ["n0", "n1"]))
        self.assertTrue(before - 1 <= told["submit_time"] <= told["start_time"]
                        <= told["end_time"] <= time.time() + 1)
        self.assertEqual([rank["rank"] for rank in told["rank_list"]], [0, 1, 2, 3])
        for rank in told["rank_list"]:
            self.assertEqual(set(rank), RANK_KEYS)
            self.assertEqual(len(rank["gpus"]), 2)
            self.assertTrue(rank["ended"])
            self.assertRegex(rank["nic"], r"\Amlx5_\d+\Z")
            self.assertRegex(rank["cores"], r"\A[0-9,-]+\Z")

    def test_unknown_times_and_codes_are_null(self):
        self.cluster.submit("--exclusive", "-N", "2", "--", "sleep", "600")
        waiting = self.cluster.job(self.cluster.submit("--", "true"))
        self.assertEqual([waiting[key] for key in ("start_time", "end_time", "exit_code",
                                                   "time_limit_s")], [None] * 4)

    def test_one_job_is_shown_with_its_ranks(self):
        job = self.cluster.submit("-n", "2", "--gpus-per-task", "1", "--", "sh", "-c",
                                  "kill -USR1 $$")
        self.cluster.lockstep("wait", job)
        text = self.cluster.lockstep("jobs", job, check=True).stdout
        self.assertIn(f"job {job}\n", text)
        self.assertRegex(text, r"(?m)^  state +failed$")
        self.assertRegex(text, r"(?m)^RANK +NODE +GPUS +NIC +CORES +EXIT +WHY")
        self.assertRegex(text, r"(?m)^   0 +n[01] +\d+ +mlx5_\d .*signal \d+ \(")

    def test_words_from_users_are_inert_on_a_terminal(self):
        job = self.cluster.submit("--", "echo", "\x1b[31mred\nfake line")
        text = self.cluster.lockstep("jobs", job, check=True).stdout
        self.assertNotIn("\x1b", text)
        self.assertIn(r"echo \x1b[31mred\nfake line", text)
        self.assertEqual(self.cluster.job(job)["command"], "echo \x1b[31mred\nfake line")
        done = self.cluster.lockstep("submit", "-J", "\x1b[31m", "--", "true")
        self.assertEqual(done.returncode, 1)
        self.assertIn("job name", done.stderr)

    def test_unknown_jobs_are_named(self):
        for command in ("jobs", "logs", "wait", "cancel"):
            with self.subTest(command=command):
                done = self.cluster.lockstep(command, "99")
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, r"\Alockstep: job 99")

    # ---- logs ------------------------------------------------------------------------

    def test_logs_of_an_ended_job_by_rank_and_stream(self):
        job = self.cluster.submit("-N", "2", "-n", "2", "--", "sh", "-c",
                                  "echo out $LOCKSTEP_RANK; echo err $LOCKSTEP_RANK >&2")
        self.cluster.lockstep("wait", job, check=True)
        done = self.cluster.lockstep("logs", job, "-l", check=True)
        self.assertEqual(sorted(done.stdout.splitlines()), ["0: out 0", "1: out 1"])
        self.assertEqual(sorted(done.stderr.splitlines()), ["0: err 0", "1: err 1"])
        self.assertEqual(self.logs(job, "--rank", "1"), "out 1\n")
        done = self.cluster.lockstep("logs", job, "--rank", "2")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no such rank", done.stderr)

    def test_logs_follow_until_the_end(self):
        flag = self.cluster.dir / "flag"
        job = self.cluster.submit("--", "sh", "-c", "echo one; "
                                  f"while [ ! -e {flag} ]; do sleep 0.05; done; echo two")
        with self.cluster.start("logs", job, "-f") as command:
            self.assertEqual(command.stdout.readline(), "one\n")
            self.assertEqual(self.logs(job), "one\n")  # without -f: what is there
            flag.touch()
            out, _ = command.communicate(timeout=60)
            self.assertEqual((out, command.returncode), ("two\n", 0))

    def test_logs_into_a_closed_pipe_end_quietly(self):
        job = self.cluster.submit("--", "sh", "-c", "while :; do echo y; done")
        with self.cluster.start("logs", job, "-f") as command:
            self.assertEqual(command.stdout.readline(), "y\n")
            command.stdout.close()
            self.assertEqual(command.wait(60), 128 + signal.SIGPIPE)
            self.assertEqual(command.stderr.read(), "")
        self.assertEqual(self.cluster.job(job)["state"], "running")

    # ---- wait, cancel ------------------------------------------------------------------

    def test_wait_exits_as_the_job_did(self):
        codes = {}
        for script in ("exit 0", "exit 9", "kill -TERM $$"):
            job = self.cluster.submit("--", "sh", "-c", script)
            done = self.cluster.lockstep("wait", job)
            codes[script] = done.returncode
            self.assertRegex(done.stdout, rf"\Ajob {job} (completed|failed), exit code ")
        self.assertEqual(codes, {"exit 0": 0, "exit 9": 9,
                                 "kill -TERM $$": 128 + signal.SIGTERM})
        self.assertEqual(self.cluster.lockstep("wait", 1, 2).returncode, 9)

    def test_wait_survives_a_restart_of_the_scheduler(self):
        flag = self.cluster.dir / "flag"
        job = self.cluster.submit("--", "sh", "-c",
                                  f"while [ ! -e {flag} ]; do sleep 0.05; done; exit 6")
        with self.cluster.start("wait", job) as command:
            self.cluster.wait_state(job, "running")
            self.cluster.kill()
            self.cluster.up()
            flag.touch()
            self.assertEqual(command.wait(60), 6)

    def test_cancel_ends_running_and_waiting_jobs(self):
        running = self.cluster.submit("--exclusive", "-N", "2", "--", "sleep", "600")
        waiting = self.cluster.submit("--", "true")
        self.cluster.wait_state(running, "running")
        done = self.cluster.lockstep("cancel", waiting, running, check=True)
        self.assertEqual(done.stdout,
                         f"cancelling job {waiting}\ncancelling job {running}\n")
        done = self.cluster.lockstep("wait", running, waiting)
        self.assertEqual(done.returncode, 128 + signal.SIGTERM)
        for job in (running, waiting):
            self.assertEqual(self.cluster.job(job)["state"], "cancelled")

    def test_cancel_can_send_any_signal(self):
        job = self.cluster.submit("-N", "2", "-n", "2", "--", "sh", "-c",
                                  "trap 'echo got it; exit 0' USR1; echo ready; "
                                  "while :; do sleep 0.05; done")
        poll(lambda: self.logs(job).count("ready") == 2, "both ranks have their trap")
        done = self.cluster.lockstep("cancel", "--signal", "usr1", job, check=True)
        self.assertEqual(done.stdout, f"sent SIGUSR1 to job {job}\n")
        self.assertEqual(self.cluster.lockstep("wait", job).returncode, 0)
        self.assertEqual(self.logs(job).count("got it"), 2)

    def test_a_script_on_several_nodes_takes_signals_and_is_cancelled(self):
        path = self.script("#!/bin/sh\n#LOCKSTEP -N 2\n"
                           "trap 'echo got it' USR1; echo ready\n"
                           "while :; do sleep 0.05; done\n")
        job = self.cluster.submit(path)
        poll(lambda: "ready" in self.logs(job), "the script has its trap")
        self.cluster.lockstep("cancel", "-s", "USR1", job, check=True)
        poll(lambda: "got it" in self.logs(job), "the script has the signal")
        self.assertEqual(self.cluster.job(job)["state"], "running")
        self.cluster.lockstep("cancel", job, check=True)
        self.assertEqual(self.cluster.lockstep("wait", job).returncode,
                         128 + signal.SIGTERM)
        self.assertEqual(self.cluster.job(job)["state"], "cancelled")

    def test_of_several_jobs_to_cancel_a_wrong_one_does_not_save_the_others(self):
        job = self.cluster.submit("--", "sleep", "600")
        done = self.cluster.lockstep("cancel", 99, job)
        self.assertEqual(done.returncode, 1)
        self.assertIn("job 99", done.stderr)
        self.cluster.wait_state(job, "cancelled")


if __name__ == "__main__":
    unittest.main()
