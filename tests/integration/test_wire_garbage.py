"""Peers that do not keep to the protocol: each is closed with the reason in the log,
and the scheduler serves everybody else as before."""

import errno
import os
import pathlib
import random
import resource
import socket
import struct
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import wire
from scheduler import Scheduler, digest, end, prepare, report, spec, submit


class Garbage(unittest.TestCase):
    """One scheduler for all; each test ends with a job that runs through."""

    @classmethod
    def setUpClass(cls):
        cls.scheduler = Scheduler("--listen", "127.0.0.1:0")
        cls.scheduler.start()
        cls.addClassCleanup(cls.scheduler.__exit__)

    def setUp(self):
        self.agent = self.scheduler.agent("n0")
        self.witness = self.scheduler.client()

    def tearDown(self):
        job = submit(self.witness, "true")
        launch = prepare(self.agent)
        self.agent.receive_body("step_start")
        end(self.agent, launch)
        self.assertEqual(self.witness.ask("wait", {"job": job})["jobs"][0]["state"],
                         wire.JOB_COMPLETED)
        self.agent.close()

    def assert_closed(self, connection, why):
        """Closed by the scheduler, `why` in its log; returns what it said before."""
        said = []
        with self.assertRaises(wire.Closed):
            while True:
                said.append(connection.receive())
        self.scheduler.wait_log(why)
        return said

    def send_raw(self, data, address=None):
        connection = self.scheduler.connect(address)
        connection.send_bytes(data)
        return connection

    def test_random_bytes(self):
        chance = random.Random(7)
        for address in (None, self.scheduler.tcp):
            for size in (4, 5, 100, 4096):
                connection = self.send_raw(b"\xf0" + chance.randbytes(size), address)
                self.assert_closed(connection, "frame of 40")

    def test_another_language(self):
        self.assert_closed(self.send_raw(b"GET / HTTP/1.1\r\n\r\n", self.scheduler.tcp),
                           "frame of 1195725856 bytes, expected 1 to 4096")

    def test_bytes_that_are_no_message(self):
        data = b"\xff" * 64
        self.assert_closed(self.send_raw(struct.pack(">I", len(data)) + data),
                           "64 bytes that are no lockstep message")

    def test_an_endless_frame(self):
        client = self.scheduler.client()
        client.send_bytes(struct.pack(">I", 0xFFFFFFF0))
        self.assert_closed(client, "frame of 4294967280 bytes, expected 1 to 16777216")

    def test_a_stranger_cannot_make_it_buffer(self):
        connection = self.send_raw(struct.pack(">I", 16 << 20))
        self.assert_closed(connection, "frame of 16777216 bytes, expected 1 to 4096")

    def test_half_a_frame_and_silence_before_the_hello(self):
        connection = self.send_raw(wire.pack(1, "hello", {"protocol": 1})[:7])
        self.assert_closed(connection, "silent: no hello in time")

    def test_half_a_frame_and_silence_after_it(self):
        client = self.scheduler.client()
        client.send_bytes(wire.pack(1, "jobs", {"ended": True})[:-1])
        self.assert_closed(client, "silent in the middle of a frame")

    def test_half_a_frame_and_gone(self):
        client = self.scheduler.client()
        client.send_bytes(wire.pack(1, "submit", {"spec": spec("x")})[:20])
        client.close()

    def test_a_frame_that_comes_byte_by_byte_is_fine(self):
        client = self.scheduler.client()
        for byte in wire.pack(1, "jobs", {}):
            client.send_bytes(bytes([byte]))
        self.assertEqual(client.receive()[:2], (1, "jobs_reply"))

    def test_another_protocol_version(self):
        connection = self.scheduler.connect()
        with self.assertRaises(wire.Refused) as caught:
            connection.hello(wire.ROLE_CLIENT, protocol=2)
        self.assertEqual(caught.exception.code, errno.EPROTONOSUPPORT)
        self.assertIn("protocol 2", str(caught.exception))
        self.assertIn("speaks 1", str(caught.exception))
        self.assertIn("upgrade", str(caught.exception))
        self.assert_closed(connection,
                           "protocol 2 (version test), this program speaks 1")

    def test_a_request_before_the_hello(self):
        connection = self.send_raw(wire.pack(1, "jobs", {}))
        said = self.assert_closed(connection, "the first message was another one")
        self.assertEqual(said[0][1], "error")

    def test_roles_that_are_none(self):
        for role in (wire.ROLE_NONE, wire.ROLE_STEP, 77):
            connection = self.scheduler.connect()
            with self.assertRaises(wire.Refused):
                connection.hello(role)
            self.assert_closed(connection, f"role {role}, expected client or agent")

    def test_names_that_no_node_may_have(self):
        for name in ("", "../../etc", "a b", "-n0", ".hidden", "n" * 64, "n\n0"):
            connection = self.scheduler.connect()
            with self.subTest(name), self.assertRaises(wire.Refused):
                connection.hello(wire.ROLE_AGENT, name=name)
            self.assert_closed(connection, "hello: node name")

    def test_messages_of_another_role(self):
        client = self.scheduler.client()
        client.send("heartbeat", {})
        self.assert_closed(client, "a message that no client sends")
        agent = self.scheduler.agent("n1")
        agent.send("submit", {"spec": spec("x")}, request=5)
        self.assert_closed(agent, "a message that no agent sends")

    def test_an_agent_that_speaks_before_it_registered(self):
        agent = self.scheduler.connect()
        agent.hello(wire.ROLE_AGENT, name="n1")
        agent.send("step_report", {"job": 1, "attempt": 1, "node": "n1", "state": 3})
        self.assert_closed(agent, "before it registered")

    def test_reports_of_what_does_not_exist(self):
        ranks = [{"rank": rank, "ended": True, "exit_code": 1}
                 for rank in (0, 1, 1 << 31, (1 << 32) - 1)]
        for state in (wire.STEP_NONE, wire.STEP_READY, wire.STEP_RUNNING,
                      wire.STEP_ENDED, 99):
            for job in (0, 1 << 40, (1 << 64) - 1):
                self.agent.send("step_report", {
                    "job": job, "attempt": 7, "node": "elsewhere", "state": state,
                    "address": "a" * 5000, "reason": "r" * 5000, "ranks": ranks})

    def test_a_frame_that_would_unpack_huge(self):
        client = self.scheduler.client()
        body = b"\x0a\x00" * (7 << 20)  # empty JobInfos
        data = bytes([13 << 3 | 2]) + wire._varint(len(body)) + body
        client.send_bytes(struct.pack(">I", len(data)) + data)
        self.assert_closed(client, "that are no lockstep message")

    def test_mutated_requests(self):
        chance = random.Random(11)
        frames = [wire.pack(1, "submit", {"spec": spec("x", nodelist="n[0-3]")}),
                  wire.pack(2, "drain", {"nodes": "x[1-9]", "reason": "r"}),
                  wire.pack(3, "logs", {"job": 1, "one_rank": True, "rank": 9}),
                  wire.pack(4, "cancel", {"job": 1, "signal": 70})]
        for _ in range(300):
            data = bytearray(chance.choice(frames))
            for _ in range(chance.randint(1, 8)):
                data[chance.randrange(4, len(data))] = chance.randrange(256)
            client = self.scheduler.client()
            client.send_bytes(data)
            client.socket.shutdown(socket.SHUT_WR)
            with self.assertRaises(wire.Closed):
                client.receive_body("never")
        self.end_all_jobs()

    def end_all_jobs(self):
        """Some mutations are jobs in good order."""
        self.witness.ask("resume", {"nodes": "n0"})  # after all that was queued before
        for job in self.witness.ask("jobs", {})["jobs"]:
            self.witness.ask("cancel", {"job": job["id"]})
        while self.witness.ask("jobs", {})["jobs"]:
            _, name, step = self.agent.receive_body("step_kill", "step_forget")
            if name == "step_kill":
                report(self.agent, step, wire.STEP_ENDED)

    def test_a_hundred_registrations_with_damaged_digests(self):
        chance = random.Random(13)
        whole = wire.encode("NodeDigest", digest())
        for _ in range(100):
            data = bytearray(whole)
            for _ in range(chance.randint(1, 4)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            agent = self.scheduler.connect()
            agent.hello(wire.ROLE_AGENT, name="n1")
            body = (wire._varint(1 << 3 | 2) + b"\x02n1" +
                    wire._varint(2 << 3 | 2) + wire._varint(len(data)) + bytes(data))
            frame = wire._varint(1 << 3) + b"\x02" + \
                wire._varint(40 << 3 | 2) + wire._varint(len(body)) + body
            agent.send_bytes(struct.pack(">I", len(frame)) + frame)
            try:
                agent.answer(2)
            except (wire.Refused, wire.Closed):
                pass
            agent.close()

    def test_too_many_open_requests_of_one_connection(self):
        job = submit(self.witness, "x", nodelist="n0", cpus_per_task=8)
        client = self.scheduler.client()
        numbers = [client.start("wait", {"job": job}) for _ in range(300)]
        refused = 0
        for number in numbers[256:]:
            with self.assertRaises(wire.Refused) as caught:
                client.answer(number)
            self.assertEqual(caught.exception.code, errno.EBUSY)
            refused += 1
        self.assertEqual(refused, 44)
        launch = prepare(self.agent)
        self.agent.receive_body("step_start")
        end(self.agent, launch)

    def test_a_client_that_never_reads(self):
        client = self.scheduler.client()
        before = self.memory_kib()
        listing = wire.pack(9, "nodes", {})
        client.socket.settimeout(1)
        try:
            for _ in range(2000):
                client.send_bytes(listing * 100)
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            pass
        self.scheduler.wait_log("reader too slow: its queue is full")
        self.assertLess(self.memory_kib() - before, 256 << 10)

    def memory_kib(self):
        status = pathlib.Path(f"/proc/{self.scheduler.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0])


class Bounds(unittest.TestCase):
    def test_descriptors_run_out_and_come_back(self):
        with Scheduler() as scheduler:
            witness = scheduler.client()
            used = len(os.listdir(f"/proc/{scheduler.process.pid}/fd"))
            limit = resource.prlimit(scheduler.process.pid, resource.RLIMIT_NOFILE)
            resource.prlimit(scheduler.process.pid, resource.RLIMIT_NOFILE,
                             (used + 3, limit[1]))
            crowd = [scheduler.connect() for _ in range(20)]
            self.assertEqual(witness.ask("jobs", {})["jobs"], [])
            for connection in crowd:
                connection.close()
            resource.prlimit(scheduler.process.pid, resource.RLIMIT_NOFILE, limit)
            self.assertEqual(self.patient_client(scheduler).ask("jobs", {})["jobs"], [])

    @staticmethod
    def patient_client(scheduler):
        """The first may be turned away together with the crowd."""
        for _ in range(50):
            try:
                return scheduler.client()
            except wire.Closed:
                pass
        raise AssertionError("no connection with descriptors to spare")


if __name__ == "__main__":
    unittest.main(verbosity=2)
