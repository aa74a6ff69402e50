"""Agents and steps that are killed at bad moments: nothing runs twice, nothing is left,
no result is lost."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import wire
from agent import BIN, WAIT_S, Node, is_alive, until

WAITS = "echo up; echo once >> count; until [ -e go ]; do sleep 0.05; done; exit 6"


class Recovery(unittest.TestCase):
    def setUp(self):
        self.node = self.enterContext(Node())

    def tearDown(self):
        self.node.assert_nothing_left()

    def start_waiting(self, job=1, **more):
        """A job that runs until work/go exists."""
        self.node.launch("sh", "-c", WAITS, job=job, **more)
        self.node.begin(job)
        until(lambda: self.node.output(job) == b"up\n", "the rank runs")

    def go(self):
        (self.node.work / "go").touch()

    def assert_ran_once(self):
        self.assertEqual((self.node.work / "count").read_text(), "once\n")

    def test_a_job_survives_the_death_of_its_agent(self):
        self.start_waiting()
        peer = self.node.restart()
        listed = peer.registration["steps"]
        self.assertEqual([(step["job"], step["attempt"]) for step in listed], [(1, 1)])
        peer.report(wire.STEP_RUNNING, 1)
        self.go()
        report = peer.report(wire.STEP_ENDED)
        self.assertEqual(report["ranks"][0]["exit_code"], 6)
        self.assert_ran_once()

    def test_a_job_survives_an_orderly_restart_of_its_agent(self):
        self.start_waiting()
        self.node.agent.terminate()
        self.assertEqual(self.node.agent.wait(WAIT_S), 0)
        self.go()
        until(lambda: (self.node.step_dir() / "result.pb").exists(), "the step's result")
        self.node.start()
        report = self.node.accept().welcome().report(wire.STEP_ENDED)
        self.assertEqual(report["ranks"][0]["exit_code"], 6)

    def test_a_result_is_told_until_it_is_known(self):
        self.start_waiting()
        self.go()
        self.node.peer.report(wire.STEP_ENDED)
        again = self.node.peer.report(wire.STEP_ENDED)  # by itself, after some seconds
        peer = self.node.restart()
        report = peer.report(wire.STEP_ENDED)
        self.assertEqual(report, again)
        peer.forget(report)
        until(lambda: not self.node.step_dir().exists(), "forgotten")
        peer = self.node.restart()
        self.assertEqual(peer.registration["steps"], [])

    def test_orders_reach_a_step_through_a_new_agent(self):
        self.start_waiting()
        peer = self.node.restart()
        peer.kill(1)
        report = peer.report(wire.STEP_ENDED)
        self.assertEqual(report["reason"], "cancelled by test")

    def test_a_start_after_the_agents_death_starts_once(self):
        self.node.launch("sh", "-c", WAITS)
        ready = self.node.peer.report(wire.STEP_READY)
        peer = self.node.restart()
        again = peer.report(wire.STEP_READY)
        self.assertEqual(again["address"], ready["address"])
        for _ in range(2):
            peer.send("step_start", {"job": 1, "attempt": 1,
                                     "addresses": [ready["address"]]})
        until(lambda: self.node.output() == b"up\n", "the rank runs")
        self.go()
        self.assertEqual(peer.report(wire.STEP_ENDED)["ranks"][0]["exit_code"], 6)
        self.assert_ran_once()

    def test_a_killed_step_takes_its_ranks_along_and_is_reported(self):
        self.start_waiting(ranks_per_node=2)
        pid = self.node.step_pid()
        os.kill(pid, signal.SIGKILL)
        report = self.node.peer.report(wire.STEP_ENDED)
        self.assertEqual(report["reason"], "the step was killed")
        self.assertEqual([rank["signal"] for rank in report["ranks"]],
                         [signal.SIGKILL] * 2)

    def detach(self):
        """A job with a grandchild in a session of its own; its pid."""
        self.node.launch("sh", "-c", "setsid sh -c 'trap \"\" TERM HUP; echo $$;"
                                     " exec sleep 1000' & sleep 1000")
        self.node.begin()
        line = until(lambda: self.node.output(), "the grandchild's pid")
        return int(line)

    def test_a_killed_step_leaves_no_detached_grandchild(self):
        pid = self.detach()
        self.assertTrue(is_alive(pid))
        os.kill(self.node.step_pid(), signal.SIGKILL)
        self.node.peer.report(wire.STEP_ENDED)
        self.assertFalse(is_alive(pid))

    def test_agent_and_step_killed_together_leave_nothing(self):
        pid = self.detach()
        self.node.agent.kill()
        os.kill(self.node.step_pid(), signal.SIGKILL)
        self.node.agent.wait(WAIT_S)
        self.node.start()
        report = self.node.accept().welcome().report(wire.STEP_ENDED)
        self.assertEqual(report["reason"], "the step was killed")
        self.assertFalse(is_alive(pid))

    def test_a_step_killed_before_its_start_gets_ready_again(self):
        self.node.launch("sh", "-c", WAITS)
        self.node.peer.report(wire.STEP_READY)
        first = self.node.step_pid()
        os.kill(first, signal.SIGKILL)
        until(lambda: self.node.step_pid() not in (None, first), "another step")
        ready = self.node.peer.report(wire.STEP_READY)
        self.node.peer.send("step_start", {"job": 1, "attempt": 1,
                                           "addresses": [ready["address"]]})
        self.go()
        report = self.node.peer.report(wire.STEP_ENDED)
        self.assertEqual(report["ranks"][0]["exit_code"], 6)
        self.assert_ran_once()

    def test_a_step_that_dies_again_and_again_is_given_up(self):
        self.node.launch("sh", "-c", WAITS)
        seen = set()
        for _ in range(3):
            pid = until(lambda: self.node.step_pid() not in seen | {None} and
                        self.node.step_pid(), "a step")
            seen.add(pid)
            os.kill(pid, signal.SIGKILL)
        report = self.node.peer.report(wire.STEP_ENDED)
        self.assertEqual(report["reason"], "the step died before it had started anything")
        self.assertFalse((self.node.work / "count").exists())

    def test_a_half_made_directory_is_removed_and_launched_when_asked_again(self):
        self.node.agent.kill()
        self.node.agent.wait(WAIT_S)
        self.node.step_dir().mkdir(parents=True)
        self.node.start()
        self.node.peers["n0"] = self.node.accept().welcome()
        until(lambda: not self.node.step_dir().exists(), "removed")
        report = self.node.run("true")[0]
        self.assertEqual(report["ranks"][0]["exit_code"], 0)

    def test_a_damaged_result_is_an_end_with_a_reason(self):
        self.start_waiting()
        self.go()
        self.node.peer.report(wire.STEP_ENDED)
        (self.node.step_dir() / "result.pb").write_bytes(b"\xff" * 40)
        report = self.node.restart().report(wire.STEP_ENDED)
        self.assertIn("result.pb: damaged", report["reason"])

    def test_the_scheduler_comes_back_and_hears_everything(self):
        self.start_waiting()
        self.node.peer.close()
        self.go()
        peer = self.node.accept().welcome()
        self.assertEqual(peer.registration["steps"][0]["job"], 1)
        self.assertEqual(peer.report(wire.STEP_ENDED)["ranks"][0]["exit_code"], 6)


class FullDisk(unittest.TestCase):
    def small_disk(self, _):
        """A file system of one megabyte, where root may mount one."""
        folder = tempfile.mkdtemp(prefix="lsa-", dir="/tmp")
        self.addCleanup(os.rmdir, folder)
        if os.getuid() != 0 or subprocess.run(
                ["mount", "-t", "tmpfs", "-o", "size=1m", "lockstep-test", folder],
                capture_output=True).returncode != 0:
            self.skipTest("cannot mount a small file system here")
        self.addCleanup(subprocess.run, ["umount", "-l", folder], check=True)
        return folder

    def test_a_result_that_cannot_be_stored_is_told_and_kept_until_known(self):
        with Node(directory=self.small_disk) as node:
            node.launch("sh", "-c", WAITS)
            node.begin()
            until(lambda: node.output() == b"up\n", "the rank runs")
            (node.work / "go").touch()
            with open(node.work / "filler", "wb", buffering=0) as filler:
                with self.assertRaises(OSError):
                    while True:
                        filler.write(b"x" * 4096)
                report = node.peer.report(wire.STEP_ENDED)
            self.assertEqual(report["ranks"][0]["exit_code"], 6)
            self.assertFalse((node.step_dir() / "result.pb").exists())
            self.assertTrue(node.step_pid())  # it alone knows the result
            peer = node.restart()
            self.assertEqual(peer.report(wire.STEP_ENDED), report)
            peer.forget(report)
            until(lambda: not node.step_dir().exists(), "forgotten")
            node.assert_nothing_left()

    def test_a_launch_that_cannot_be_stored_is_an_end_with_the_reason(self):
        with Node(directory=self.small_disk) as node:
            with open(node.work / "filler", "wb", buffering=0) as filler:
                with self.assertRaises(OSError):
                    while True:
                        filler.write(b"x" * 4096)
            node.launch("true")
            report = node.peer.report(wire.STEP_ENDED)
            self.assertIn("No space left on device", report["reason"])


class Refusals(unittest.TestCase):
    def agent(self, *options):
        return subprocess.run([BIN / "lockstep-agent", *options], capture_output=True,
                              text=True, timeout=WAIT_S, stdin=subprocess.DEVNULL)

    def test_a_second_agent_of_one_node_names_the_first(self):
        with Node() as node:
            second = self.agent("--node", "n0", "--dir", str(node.dir))
            self.assertEqual(second.returncode, 1)
            self.assertIn(f"an agent runs already here, pid {node.agent.pid}",
                          second.stderr)

    def test_a_refusal_by_the_scheduler_ends_the_agent(self):
        with Node() as node:
            node.agent.kill()
            node.agent.wait(WAIT_S)
            node.start()
            peer = node.accept()
            request, _, _ = peer.receive_body("hello")
            peer.send("error", {"code": 17, "text": "node n0 is taken"}, request)
            self.assertEqual(node.agent.wait(WAIT_S), 1)
            self.assertIn("the scheduler refuses this node: node n0 is taken", node.log())

    def test_a_refusal_for_now_is_asked_again(self):
        with Node() as node:
            node.agent.kill()
            node.agent.wait(WAIT_S)
            node.start()
            peer = node.accept()
            request, _, _ = peer.receive_body("hello")
            peer.send("error", {"code": 28, "text": "disk full"}, request)
            node.accept().welcome()

    def test_bad_usage_is_2(self):
        for options, text in (((), "--node is missing"),
                              (("--node", "a/b"), "--node: expected"),
                              (("--node", "n0", "--log-level", "loud"), "--log-level"),
                              (("--node", "n0", "extra"), "options only")):
            with self.subTest(options=options):
                result = self.agent(*options)
                self.assertEqual(result.returncode, 2)
                self.assertIn(text, result.stderr)

    def test_a_missing_topology_is_named(self):
        with Node() as node:
            result = self.agent("--node", "n1", "--dir", str(node.dir), "--topology",
                                "/nowhere.xml")
            self.assertEqual(result.returncode, 1)
            self.assertIn("/nowhere.xml: No such file or directory", result.stderr)


class Logs(unittest.TestCase):
    def setUp(self):
        self.node = self.enterContext(Node())

    def read(self, request, job=1, credit=None, **more):
        """Ask for the output of a job until LogEnd: ({(rank, stream): bytes}, text)."""
        self.node.peer.send("logs", {"job": job, **more}, request)
        got = {}
        while True:
            number, name, body = self.node.peer.receive_body("log_chunk", "log_end")
            self.assertEqual(number, request)
            if name == "log_end":
                return got, body["text"]
            key = (body["rank"], body["stream"])
            self.assertEqual(body["offset"], len(got.get(key, b"")))
            self.assertLessEqual(len(body["data"]), 64 * 1024)
            got[key] = got.get(key, b"") + body["data"]
            self.node.peer.send("log_ack", {"bytes": len(body["data"])}, request)

    def test_all_output_of_all_ranks_comes(self):
        self.node.run("sh", "-c", "echo o$RANK; echo e$RANK >&2", ranks_per_node=2)
        got, text = self.read(5)
        self.assertEqual(text, "")
        self.assertEqual(got, {(0, 1): b"o0\n", (0, 2): b"e0\n", (1, 1): b"o1\n",
                               (1, 2): b"e1\n"})
        self.assertEqual(self.read(6, one_rank=True, rank=1)[0],
                         {(1, 1): b"o1\n", (1, 2): b"e1\n"})

    def test_a_shared_file_comes_once(self):
        self.node.run("sh", "-c", "echo $RANK", ranks_per_node=3, output="all")
        got, _ = self.read(5)
        self.assertEqual(len(got), 1)
        self.assertEqual(sorted(list(got.values())[0].split()), [b"0", b"1", b"2"])

    def test_following_a_running_job_ends_with_it(self):
        self.node.launch("sh", "-c", "echo one; until [ -e go ]; do sleep 0.05; done;"
                                     " echo two")
        self.node.begin()
        self.node.peer.send("logs", {"job": 1, "follow": True}, 9)
        _, _, chunk = self.node.peer.receive_body("log_chunk")
        self.assertEqual(chunk["data"], b"one\n")
        (self.node.work / "go").touch()
        _, _, chunk = self.node.peer.receive_body("log_chunk")
        self.assertEqual((chunk["data"], chunk["offset"]), (b"two\n", 4))
        number, _, end = self.node.peer.receive_body("log_end")
        self.assertEqual((number, end["text"]), (9, ""))

    def test_following_begins_before_the_job_does(self):
        self.node.launch("sh", "-c", "echo late")
        self.node.peer.send("logs", {"job": 1, "follow": True}, 9)
        self.node.begin()
        _, _, chunk = self.node.peer.receive_body("log_chunk")
        self.assertEqual(chunk["data"], b"late\n")
        self.node.peer.receive_body("log_end")

    def test_no_more_is_sent_than_the_credit(self):
        self.node.run(sys.executable, "-c", "print('x' * (1 << 20))")
        self.node.peer.send("logs", {"job": 1}, 7)
        size = 0
        while size < 256 * 1024:
            size += len(self.node.peer.receive_body("log_chunk")[2]["data"])
        self.assertEqual(size, 256 * 1024)
        # Orders come in order: the answer to this one would stand behind further chunks.
        self.node.peer.kill(77)
        _, name, _ = self.node.peer.receive_body("log_chunk", "step_report")
        self.assertEqual(name, "step_report")
        self.node.peer.send("log_ack", {"bytes": 1000}, 7)
        self.assertEqual(len(self.node.peer.receive_body("log_chunk")[2]["data"]), 1000)

    def test_a_job_without_output_here_is_said(self):
        got, text = self.read(5, job=4)
        self.assertEqual((got, text), ({}, "node n0 has no output of job 4"))


if __name__ == "__main__":
    unittest.main()
