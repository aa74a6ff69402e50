"""Commands against a scheduler that breaks off, lies or sends garbage: played by the test,
so that each moment can be hit exactly."""

import errno
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import wire
from cluster import BIN, environment


class PlayedScheduler:
    """Listens on DIR/scheduler.sock; the test accepts and answers by hand."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "scheduler.sock")
        self.listener = None
        self.listen()

    def listen(self):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.settimeout(30)
        self.listener.bind(self.path)
        self.listener.listen(8)

    def vanish(self):
        self.listener.close()
        os.unlink(self.path)

    def accept_raw(self):
        connection = wire.Connection.__new__(wire.Connection)
        connection.socket, _ = self.listener.accept()
        connection.socket.settimeout(30)
        connection.received, connection.last_request = b"", 0
        connection.sending = threading.Lock()
        return connection

    def accept(self):
        """The next client, welcomed."""
        connection = self.accept_raw()
        request, name, hello = connection.receive()
        assert (name, hello["role"]) == ("hello", wire.ROLE_CLIENT)
        connection.send("welcome", {"protocol": wire.PROTOCOL, "version": "test"}, request)
        return connection


class BrokenScheduler(unittest.TestCase):
    def setUp(self):
        self.dir = self.enterContext(tempfile.TemporaryDirectory(prefix="lst-"))
        self.scheduler = PlayedScheduler(self.dir)
        self.addCleanup(lambda: self.scheduler.listener.close())

    def start(self, *words):
        command = subprocess.Popen(
            [BIN / "lockstep", *words], env=environment(LOCKSTEP_DIR=self.dir), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(command.wait)
        self.addCleanup(command.kill)
        self.addCleanup(command.stdout.close)
        self.addCleanup(command.stderr.close)
        return command

    def finish(self, command, code):
        out, err = command.communicate(timeout=60)
        self.assertEqual(command.returncode, code, err)
        return out, err

    def answered(self, words, body, message, code=1):
        """Run a command whose one request gets this answer; its stdout and stderr."""
        command = self.start(*words)
        with self.scheduler.accept() as client:
            request, _, _ = client.receive()
            client.send(body, message, request)
            return self.finish(command, code)

    # ---- submit ----------------------------------------------------------------------

    def test_a_submission_without_answer_is_sent_again_with_its_key(self):
        command = self.start("submit", "--", "true")
        with self.scheduler.accept() as client:
            _, name, first = client.receive()
            self.assertEqual(name, "submit")
        with self.scheduler.accept() as client:
            request, name, again = client.receive()
            self.assertEqual((name, again["spec"]), ("submit", first["spec"]))
            self.assertRegex(again["spec"]["submit_key"], r"\A[0-9a-f]{32}\Z")
            client.send("submit_reply", {"job": 7}, request)
            self.assertEqual(self.finish(command, 0), ("job 7\n", ""))

    def test_a_scheduler_that_restarts_meanwhile_gets_the_submission(self):
        command = self.start("submit", "--", "true")
        with self.scheduler.accept() as client:
            client.receive()
            self.scheduler.vanish()
        self.scheduler.listen()
        with self.scheduler.accept() as client:
            request, _, _ = client.receive()
            client.send("submit_reply", {"job": 8}, request)
            self.assertEqual(self.finish(command, 0), ("job 8\n", ""))

    def test_a_refusal_is_shown_and_not_repeated(self):
        out, err = self.answered(["submit", "--", "true"], "error",
                                 {"code": errno.EINVAL, "text": "job: too \x1b[31mred"})
        self.assertEqual((out, err), ("", "lockstep: job: too \\x1b[31mred\n"))

    # ---- run -------------------------------------------------------------------------

    def test_output_goes_on_where_it_broke_off(self):
        command = self.start("run", "--", "train")
        with self.scheduler.accept() as control:
            request, _, _ = control.receive()
            control.send("submit_reply", {"job": 5}, request)
            with self.scheduler.accept() as stream:
                logs, _, wanted = stream.receive_body("logs")
                self.assertEqual((wanted["job"], wanted["follow"]), (5, True))
                stream.receive_body("wait")
                stream.send("log_chunk", {"job": 5, "rank": 0, "stream": 1, "offset": 0,
                                          "data": b"one\n"}, logs)
                self.assertEqual(command.stdout.readline(), "one\n")
                _, _, credit = stream.receive_body("log_ack")
                self.assertEqual(credit["bytes"], 4)
            with self.scheduler.accept() as stream:
                logs, _, _ = stream.receive_body("logs")
                wait, _, _ = stream.receive_body("wait")
                stream.send("log_chunk", {"job": 5, "rank": 0, "stream": 1, "offset": 0,
                                          "data": b"one\ntwo\n"}, logs)
                stream.send("log_end", {}, logs)
                stream.send("jobs_reply", {"jobs": [{"id": 5, "state": wire.JOB_FAILED,
                                                     "exit_code": 3,
                                                     "reason": "rank 0"}]}, wait)
                out, err = self.finish(command, 3)
        self.assertEqual(out, "two\n")
        self.assertIn("lost the scheduler; job 5 goes on", err)
        self.assertIn("lockstep: job 5 failed: rank 0", err)

    def test_missing_output_is_not_passed_over_in_silence(self):
        command = self.start("logs", "5")
        with self.scheduler.accept() as client:
            request, _, _ = client.receive()
            client.send("log_end", {"text": "n1: its agent is not connected"}, request)
            _, err = self.finish(command, 0)
        self.assertIn("lockstep: job 5: output is not complete: n1: its agent is not "
                      "connected", err)

    # ---- garbage ---------------------------------------------------------------------

    def test_garbage_is_an_error_and_not_a_crash(self):
        for data in (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\4\xff\xff\xff\xff",
                     b"HTTP/1.1 400 Bad Request\r\n\r\n"):
            with self.subTest(data=data):
                command = self.start("jobs")
                with self.scheduler.accept_raw() as client:
                    client.receive()
                    client.send_bytes(data)
                    _, err = self.finish(command, 1)
                self.assertTrue(err.startswith("lockstep: cannot reach the scheduler: "),
                                err)

    def test_another_protocol_is_named(self):
        command = self.start("jobs")
        with self.scheduler.accept_raw() as client:
            request, _, _ = client.receive()
            client.send("error", {"code": errno.EPROTONOSUPPORT,
                                  "text": "protocol 1: this scheduler speaks 2"}, request)
            _, err = self.finish(command, 1)
        self.assertIn("protocol 1: this scheduler speaks 2", err)

    def test_a_wrong_kind_of_answer_is_an_error(self):
        for words in (["jobs"], ["nodes"], ["fabric"], ["cancel", "1"],
                      ["submit", "--", "true"], ["resume", "n0"]):
            with self.subTest(words=words):
                _, err = self.answered(words, "registered", {"heartbeat_ms": 1})
                self.assertIn("answered with another message", err)

    def test_a_fabric_that_is_no_tree_is_an_error(self):
        rack = {"level": "rack", "name": "r"}
        for domains in ([], [{**rack, "parent": 1}, {**rack, "parent": 0}],
                        [{**rack, "parent": 0}, {**rack, "parent": 1}],
                        [{**rack, "parent": 0}, {**rack, "parent": 7}]):
            with self.subTest(domains=domains):
                _, err = self.answered(["fabric"], "fabric_reply", {"domains": domains})
                self.assertTrue(err.startswith("lockstep: fabric: "), err)

    def test_a_digest_that_contradicts_itself_is_an_error(self):
        _, err = self.answered(["nodes"], "nodes_reply", {"nodes": [
            {"name": "n3", "digest": {"gpus": [{"index": 0}], "gpu_gpu": b"12345"}}]})
        self.assertTrue(err.startswith("lockstep: node n3: "), err)

    def test_states_of_a_newer_scheduler_are_unknown(self):
        out, _ = self.answered(["jobs", "--json"], "jobs_reply",
                               {"jobs": [{"id": 1, "state": 77, "name": b"\xff"}]}, code=0)
        (job,) = json.loads(out)
        self.assertEqual((job["state"], job["name"]), ("unknown", "\ufffd"))


if __name__ == "__main__":
    unittest.main()
