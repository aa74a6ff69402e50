"""`lockstep run`: a job that behaves like a program run here."""

import os
import pathlib
import pty
import select
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from cluster import HGX_H100, Cluster, poll


class Run(unittest.TestCase):
    def setUp(self):
        self.cluster = self.enterContext(Cluster(nodes=2, topology=HGX_H100))
        self.run_ = lambda *words, **more: self.cluster.lockstep("run", *words, **more)

    def test_output_and_errors_keep_apart(self):
        done = self.run_("--", "sh", "-c", "echo out; echo err >&2")
        self.assertEqual((done.stdout, done.stderr, done.returncode),
                         ("out\n", "err\n", 0))

    def test_labels_name_the_rank_of_every_line(self):
        done = self.run_("-N", "2", "-n", "4", "-l", "--", "sh", "-c",
                         "echo one; printf 'no newline'")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(sorted(done.stdout.splitlines()),
                         sorted(f"{rank}: {line}" for rank in range(4)
                                for line in ("one", "no newline")))

    def test_bytes_pass_unchanged(self):
        done = self.run_("--", "sh", "-c", r"printf '\001\033[1m\303\251\n'")
        self.assertEqual(done.stdout, "\x01\x1b[1mé\n")

    def test_exit_codes_are_those_of_the_job(self):
        for script, code in [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137),
                             ("kill -SEGV $$", 139)]:
            with self.subTest(script=script):
                self.assertEqual(self.run_("--", "sh", "-c", script).returncode, code)

    def test_the_highest_exit_code_counts(self):
        done = self.run_("-n", "2", "-O", "--", "sh", "-c",
                         "trap 'exit 3' TERM; "
                         "[ $LOCKSTEP_RANK = 1 ] && exit 5; sleep 60 & wait")
        self.assertEqual(done.returncode, 5)
        self.assertIn("rank 1", done.stderr)

    def test_a_missing_program_gives_127_with_its_path(self):
        done = self.run_("--", "/no/such/program")
        self.assertEqual(done.returncode, 127)
        self.assertIn("/no/such/program", done.stderr)
        self.assertIn("No such file or directory", done.stderr)

    def test_a_file_that_cannot_run_gives_126(self):
        path = self.cluster.dir / "not-executable"
        path.write_text("#!/bin/sh\n")
        done = self.run_("--", str(path))
        self.assertEqual(done.returncode, 126)
        self.assertIn("Permission denied", done.stderr)

    def test_directory_and_environment_are_the_callers(self):
        done = self.run_("--", "sh", "-c", "pwd; echo $COLOUR",
                         cwd="/usr", **{"timeout": 60})
        self.assertEqual(done.stdout, "/usr\n\n")
        self.cluster.env["COLOUR"] = "green"
        done = self.run_("-D", "/", "--", "sh", "-c", "pwd; echo $COLOUR")
        self.assertEqual(done.stdout, "/\ngreen\n")
        done = self.run_("--export", "NONE", "--", "sh", "-c", "echo ${COLOUR-unset}")
        self.assertEqual(done.stdout, "unset\n")
        done = self.run_("--export", "ALL,COLOUR=red", "--", "sh", "-c", "echo $COLOUR")
        self.assertEqual(done.stdout, "red\n")

    def test_a_job_that_cannot_fit_is_refused_with_the_largest_that_could(self):
        done = self.run_("-N", "3", "--", "true")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout, "")
        self.assertRegex(done.stderr, r"\Alockstep: .*at most --nodes 2")
        done = self.run_("--gpus-per-node", "9", "--", "true")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"\Alockstep: .*8")
        self.assertEqual(self.cluster.json("jobs", "--all"), [])

    def test_much_output_arrives_whole(self):
        done = self.run_("-n", "2", "-O", "-l", "--", "sh", "-c", "seq 100000")
        self.assertEqual(done.returncode, 0)
        lines = done.stdout.splitlines()
        self.assertEqual([line[3:] for line in lines if line.startswith("1: ")],
                         [str(i) for i in range(1, 100001)])
        self.assertEqual(len(lines), 200000)

    def test_a_closed_pipe_ends_the_job(self):
        with self.cluster.start("run", "--", "sh", "-c",
                                "while :; do echo y; done") as command:
            self.assertEqual(command.stdout.readline(), "y\n")
            command.stdout.close()
            self.assertEqual(command.wait(60), 128 + signal.SIGPIPE)
            self.assertEqual(command.stderr.read(), "lockstep: cancelling job 1\n")
        self.assertEqual(self.cluster.job(1)["state"], "cancelled")

    def interrupted(self, script, *options):
        """Start a job that prints `ready`, and give Ctrl-C once it has."""
        command = self.enterContext(
            self.cluster.start("run", *options, "--", "sh", "-c", script))
        self.assertEqual(command.stdout.readline(), "ready\n")
        command.send_signal(signal.SIGINT)
        return command

    def test_control_c_cancels_the_job_and_waits_for_its_end(self):
        command = self.interrupted("trap 'echo bye; exit 9' TERM; echo ready; "
                                   "sleep 60 & wait")
        out, err = command.communicate(timeout=60)
        self.assertEqual(out, "bye\n")
        self.assertIn("lockstep: cancelling job 1\n", err)
        self.assertEqual(command.returncode, 9)
        self.assertEqual(self.cluster.job(1)["state"], "cancelled")

    def test_a_job_that_ignores_the_end_is_killed(self):
        command = self.interrupted("trap '' TERM; echo ready; while :; do sleep 1; done",
                                   "--kill-grace", "200ms")
        command.communicate(timeout=60)
        self.assertEqual(command.returncode, 128 + signal.SIGKILL)
        self.assertEqual(self.cluster.job(1)["state"], "cancelled")

    def test_a_second_control_c_kills_at_once(self):
        command = self.interrupted("trap '' TERM; echo ready; while :; do sleep 1; done",
                                   "--kill-grace", "10m")
        self.assertEqual(command.stderr.readline(), "lockstep: cancelling job 1\n")
        command.send_signal(signal.SIGINT)
        self.assertEqual(command.stderr.readline(), "lockstep: killing job 1\n")
        self.assertEqual(command.wait(60), 128 + signal.SIGKILL)

    def test_control_c_while_it_waits_takes_it_out_of_the_queue(self):
        holder = self.cluster.submit("--exclusive", "-N", "2", "--", "sleep", "600")
        self.cluster.wait_state(holder, "running")
        with self.cluster.start("run", "--", "true") as command:
            poll(lambda: len(self.cluster.json("jobs")) == 2, "the second job queued")
            command.send_signal(signal.SIGINT)
            self.assertEqual(command.wait(60), 128 + signal.SIGINT)
        job = self.cluster.job(holder + 1)
        self.assertEqual((job["state"], job["start_time"]), ("cancelled", None))

    def test_on_a_terminal_a_waiting_job_says_why(self):
        holder = self.cluster.submit("--exclusive", "-N", "2", "--", "sleep", "600")
        self.cluster.wait_state(holder, "running")
        terminal, slave = pty.openpty()
        with self.cluster.start("run", "--", "echo", "done", stderr=slave) as command:
            os.close(slave)
            text = ""
            while f"job {holder + 1} is pending: " not in text:
                self.assertTrue(select.select([terminal], [], [], 60)[0], text)
                text += os.read(terminal, 4096).decode()
            self.cluster.lockstep("cancel", holder, check=True)
            self.assertEqual(command.communicate(timeout=60)[0], "done\n")
            self.assertEqual(command.returncode, 0)
        os.close(terminal)

    def test_a_scheduler_that_is_killed_and_comes_back_ends_nothing(self):
        flag = self.cluster.dir / "flag"
        with self.cluster.start(
                "run", "-N", "2", "-n", "2", "-l", "--", "sh", "-c",
                f"echo before; while [ ! -e {flag} ]; do sleep 0.05; done; "
                "echo after") as command:
            before = sorted(command.stdout.readline() for _ in range(2))
            self.assertEqual(before, ["0: before\n", "1: before\n"])
            self.cluster.kill()
            self.assertIn("lost the scheduler", command.stderr.readline())
            self.cluster.up()
            flag.touch()
            out, err = command.communicate(timeout=60)
        self.assertEqual(sorted(out.splitlines()), ["0: after", "1: after"], err)
        self.assertEqual(command.returncode, 0)


if __name__ == "__main__":
    unittest.main()
