"""What the command says without a cluster: help, wrong usage, nobody there."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from cluster import BIN, environment

COMMANDS = ["up", "down", "submit", "run", "jobs", "logs", "wait", "cancel", "nodes",
            "drain", "resume", "fabric"]


class Usage(unittest.TestCase):
    def setUp(self):
        self.dir = self.enterContext(tempfile.TemporaryDirectory(prefix="lst-"))

    def lockstep(self, *words):
        return subprocess.run([BIN / "lockstep", *words], capture_output=True, text=True,
                              env=environment(LOCKSTEP_DIR=self.dir), timeout=60)

    def test_help_lists_every_command_in_groups(self):
        done = self.lockstep("--help")
        self.assertEqual(done.returncode, 0)
        for command in COMMANDS:
            self.assertRegex(done.stdout, rf"(?m)^  {command} +\S")
        for title in ("A cluster on this machine:", "Jobs:", "Nodes:"):
            self.assertIn(title, done.stdout)

    def test_every_command_has_usage_options_and_examples(self):
        for command in COMMANDS:
            for words in ([command, "--help"], [command, "-h"], ["help", command]):
                done = self.lockstep(*words)
                self.assertEqual(done.returncode, 0, words)
                self.assertEqual(done.stderr, "")
                self.assertIn(f"Usage: lockstep {command} ", done.stdout)
                self.assertIn("--dir DIR", done.stdout)
                self.assertIn(f"Examples:\n", done.stdout)

    def test_version_is_one_line(self):
        done = self.lockstep("--version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"\Alockstep \d+\.\d+\.\d+\n\Z")

    def test_wrong_usage_exits_with_2_and_says_why(self):
        for words, why in [
            ([], "no command"),
            (["sbumit"], "sbumit: unknown command; did you mean `lockstep submit`?"),
            (["--jsno"], "--jsno: unknown option"),
            (["help", "nosuch"], "nosuch: unknown command"),
            (["up", "--ndoes", "2"], "--ndoes: unknown option; did you mean --nodes?"),
            (["up", "--nodes", "none"], '--nodes: "none" is not a whole number'),
            (["up", "--nodes", "99999"], "--nodes: at most"),
            (["up", "extra"], 'up: unexpected argument "extra"'),
            (["submit"], "submit: needs SCRIPT"),
            (["run"], "run: needs -- COMMAND"),
            (["run", "--partition", "x", "--", "true"], "--partition: unknown option"),
            (["run", "--time", "1h", "--", "true"], '--time: "1h" is not a time'),
            (["run", "--mem", "lots", "--", "true"], '--mem: "lots" is not a size'),
            (["run", "--within", "planet", "--", "true"], "--within: "),
            (["run", "--exchange", "other", "--", "true"], "--exchange: "),
            (["logs"], "logs: needs ID"),
            (["logs", "first"], '"first" is no job number'),
            (["logs", "1", "--rank", "x"], "--rank: "),
            (["wait"], "wait: needs ID"),
            (["cancel", "1", "two"], '"two" is no job number'),
            (["cancel", "--signal", "LOUD", "1"], '--signal: "LOUD" is no signal'),
            (["jobs", "0"], '"0" is no job number'),
            (["drain", "n0"], "drain: needs --reason TEXT"),
            (["nodes", "--json=1"], "--json: takes no value"),
        ]:
            with self.subTest(words=words):
                done = self.lockstep(*words)
                self.assertEqual(done.returncode, 2)
                self.assertEqual(done.stdout, "")
                self.assertTrue(done.stderr.startswith("lockstep: "), done.stderr)
                self.assertIn(why, done.stderr)
                self.assertIn("--help`", done.stderr)

    def test_without_a_scheduler_it_says_how_to_start_one(self):
        for words in (["jobs"], ["nodes"], ["fabric"], ["wait", "1"], ["logs", "1"],
                      ["cancel", "1"], ["resume", "n0"], ["run", "--", "true"],
                      ["submit", "--", "true"], ["drain", "n0", "--reason", "x"]):
            with self.subTest(words=words):
                done = self.lockstep(*words)
                self.assertEqual(done.returncode, 1)
                self.assertIn(f"lockstep: cannot reach the scheduler at {self.dir}/"
                              "scheduler.sock: ", done.stderr)
                self.assertIn("start one with `lockstep up`", done.stderr)

    def test_a_file_that_is_no_socket_is_no_scheduler(self):
        pathlib.Path(self.dir, "scheduler.sock").write_text("")
        done = self.lockstep("jobs")
        self.assertEqual(done.returncode, 1)
        self.assertIn("nobody listens there", done.stderr)

    def test_a_directory_too_long_for_sockets_is_refused(self):
        done = self.lockstep("up", "--dir", "/tmp/" + "x" * 100)
        self.assertEqual(done.returncode, 1)
        self.assertIn("name is too long for a socket", done.stderr)
        self.assertFalse(pathlib.Path("/tmp/" + "x" * 100).exists())

    def test_scripts_are_checked_before_anything_is_sent(self):
        for text, why in [
            ("echo hi\n", "does not begin with #!"),
            ("#!/bin/sh\0\n", "NUL"),
            ("#!/bin/sh\n\n#SBATCH --ndoes=2\n",
             "job.sh:3: #SBATCH --ndoes=2: --ndoes: unknown option; did you mean --nodes?"),
            ("#!/bin/sh\n#LOCKSTEP --nodes 0\n",
             "job.sh:2: #LOCKSTEP --nodes 0: --nodes: 0 is too small, at least 1"),
        ]:
            with self.subTest(text=text):
                script = pathlib.Path(self.dir, "job.sh")
                script.write_text(text)
                done = self.lockstep("submit", str(script))
                self.assertEqual(done.returncode, 1)
                self.assertIn(why, done.stderr)

    def test_a_missing_script_is_named(self):
        done = self.lockstep("submit", "/no/such/script")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/no/such/script", done.stderr)

    def test_a_full_disk_for_the_output_is_an_error(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([BIN / "lockstep", "--help"], stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("No space left on device", done.stderr)


if __name__ == "__main__":
    unittest.main()
