"""The scheduler daemon with agents and clients that speak its protocol: jobs from
submission to end, what it refuses, and what survives its death."""

import errno
import os
import pathlib
import resource
import select
import signal
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import wire
from scheduler import (BIN, Scheduler, digest, end, job_info, prepare, report, spec,
                       submit)


class Jobs(unittest.TestCase):
    def setUp(self):
        self.scheduler = self.enterContext(Scheduler())
        self.client = self.scheduler.client()

    def refused(self, body, message):
        with self.assertRaises(wire.Refused) as caught:
            self.client.ask(body, message)
        return caught.exception

    def test_a_gang_is_launched_started_and_ended(self):
        agents = [self.scheduler.agent(f"n{i}") for i in range(2)]
        job = submit(self.client, "train", nodes=2, gpus_per_task=2, ntasks_per_node=2)
        launches = [prepare(agent) for agent in agents]
        for i, launch in enumerate(launches):
            self.assertEqual(launch["nodes"], ["n0", "n1"])
            self.assertEqual(launch["node_index"], i)
            self.assertEqual(launch["spec"]["ntasks"], 4)
            self.assertEqual([rank["gpus"] for rank in launch["ranks"]],
                             [[0, 1], [2, 3], [0, 1], [2, 3]])
            self.assertEqual([rank["nic"] for rank in launch["ranks"]], [0, 1, 0, 1])
            self.assertEqual([rank["cores"] for rank in launch["ranks"]],
                             ["0-3", "4-7", "0-3", "4-7"])
        self.assertEqual(len(launches[0]["key"]), 32)
        self.assertEqual(launches[0]["key"], launches[1]["key"])
        for agent in agents:
            _, _, start = agent.receive_body("step_start")
            self.assertEqual(start["addresses"], ["127.0.0.1:4001"] * 2)
        self.assertEqual(job_info(self.client, job)["state"], wire.JOB_RUNNING)
        waiting = self.client.start("wait", {"job": job})
        for agent, launch in zip(agents, launches):
            end(agent, launch)
        info = self.client.answer(waiting)["jobs"][0]
        self.assertEqual(info["state"], wire.JOB_COMPLETED)
        self.assertEqual([rank["pid"] for rank in info["ranks"]],
                         [1000, 1001, 1002, 1003])
        self.assertTrue(all(rank["ended"] for rank in info["ranks"]))
        self.assertEqual(info["ranks"][3]["nic"], "mlx5_1")
        # A second wait on an ended job is answered at once.
        self.assertEqual(self.client.ask("wait", {"job": job})["jobs"][0]["id"], job)

    def test_a_failed_rank_ends_the_gang(self):
        agents = [self.scheduler.agent(f"n{i}") for i in range(2)]
        job = submit(self.client, "train", nodes=2)
        launches = [prepare(agent) for agent in agents]
        for agent in agents:
            agent.receive_body("step_start")
        report(agents[1], launches[1], wire.STEP_RUNNING,
               ranks=[{"rank": 1, "pid": 7, "ended": True, "exit_code": 3}])
        for agent in agents:
            _, _, kill = agent.receive_body("step_kill")
            self.assertEqual((kill["job"], kill["signal"]), (job, 0))
        end(agents[0], launches[0], exit_code=143)
        end(agents[1], launches[1], exit_code=3)
        info = job_info(self.client, job)
        self.assertEqual(info["state"], wire.JOB_FAILED)
        self.assertIn("rank 1", info["reason"])

    def test_a_script_runs_once_and_holds_all_its_nodes(self):
        agents = [self.scheduler.agent(f"n{i}") for i in range(2)]
        job = submit(self.client, "job.sh", nodes=2, gpus_per_node=4,
                     script=b"#!/bin/sh\ntrue\n")
        launch = prepare(agents[0])
        self.assertEqual([rank["gpus"] for rank in launch["ranks"]], [[0, 1, 2, 3]])
        agents[0].receive_body("step_start")
        nodes = self.client.ask("nodes", {})["nodes"]
        self.assertEqual([node["gpus_used"] for node in nodes], [4, 4])
        end(agents[0], launch)
        info = self.client.ask("wait", {"job": job})["jobs"][0]
        self.assertEqual(info["state"], wire.JOB_COMPLETED)
        self.assertEqual(len(info["ranks"]), 1)
        self.assertEqual([node["gpus_used"] for node
                          in self.client.ask("nodes", {})["nodes"]], [0, 0])

    def test_cancel_kills_on_all_nodes(self):
        agent = self.scheduler.agent("n0")
        job = submit(self.client, "sleep", "100")
        launch = prepare(agent)
        agent.receive_body("step_start")
        self.client.ask("cancel", {"job": job})
        agent.receive_body("step_kill")
        end(agent, launch, exit_code=143)
        self.assertEqual(job_info(self.client, job)["state"], wire.JOB_CANCELLED)
        self.assertEqual(self.refused("cancel", {"job": job}).code, errno.EALREADY)

    def test_a_signal_goes_to_the_ranks_alone(self):
        agent = self.scheduler.agent("n0")
        job = submit(self.client, "sleep", "100")
        self.assertEqual(self.refused("cancel", {"job": job, "signal": 10}).code,
                         errno.EINVAL)
        prepare(agent)
        agent.receive_body("step_start")
        self.client.ask("cancel", {"job": job, "signal": 10})
        self.assertEqual(agent.receive_body("step_kill")[2]["signal"], 10)
        self.assertEqual(job_info(self.client, job)["state"], wire.JOB_RUNNING)

    def test_the_same_submit_key_is_the_same_job(self):
        self.scheduler.agent("n0")
        first = submit(self.client, "a", submit_key="k1")
        self.assertEqual(submit(self.client, "a", submit_key="k1"), first)
        self.assertNotEqual(submit(self.client, "a", submit_key="k2"), first)

    def test_what_cannot_be_is_refused_with_the_reason(self):
        self.scheduler.agent("n0")
        cases = [
            ({"gpus_per_node": 5}, "largest node has 4"),
            ({"nodes": 2}, "at most --nodes 1"),
            ({"nodes": 3, "ntasks": 2}, "--ntasks 2 cannot use --nodes 3"),
            ({"nodelist": "n[0-"}, "--nodelist"),
            ({"nodelist": "x1"}, "x1"),
            ({"argv": []}, "no program"),
            ({"env": ["novalue"]}, "NAME=value"),
            ({"cwd": "relative"}, "absolute"),
            ({"within": "planet"}, "expected rack"),
            ({"name": "a\x1b[2J"}, "control characters"),
            ({"submit_key": "k" * 64}, "at most 63"),
            ({"time_limit_s": 1 << 40}, "at most"),
        ]
        for more, expected in cases:
            with self.subTest(more):
                refused = self.refused("submit", {"spec": {**spec("x"), **more}})
                self.assertIn(expected, str(refused))
        self.assertEqual(self.client.ask("jobs", {"ended": True})["jobs"], [])

    def test_drained_nodes_take_no_jobs_until_resumed(self):
        agent = self.scheduler.agent("n0")
        self.client.ask("drain", {"nodes": "n0", "reason": "fan is loud"})
        node, = self.client.ask("nodes", {"name": "n0"})["nodes"]
        self.assertEqual((node["state"], node["reason"]),
                         (wire.NODE_DRAINED, "fan is loud"))
        job = submit(self.client, "true")
        self.assertEqual(job_info(self.client, job)["state"], wire.JOB_PENDING)
        self.client.ask("resume", {"nodes": "n[0]"})
        prepare(agent)
        self.assertEqual(self.refused("drain", {"nodes": "n[0-1]"}).code, errno.ENOENT)
        self.assertEqual(self.refused("resume", {"nodes": ""}).code, errno.EINVAL)

    def test_jobs_get_disjoint_cores(self):
        agent = self.scheduler.agent("n0", node=digest(cores=8, gpus=2))
        for _ in range(2):
            submit(self.client, "x", ntasks=1, cpus_per_task=3)
        cores = [prepare(agent)["ranks"][0]["cores"] for _ in range(2)]
        self.assertEqual(cores, ["0-2", "3-5"])

    def test_nodes_on_one_machine_share_its_cores(self):
        agents = [self.scheduler.agent(f"n{i}", node=digest(cores=2, gpus=0, host="pc"))
                  for i in range(3)]
        submit(self.client, "x", nodes=3)
        cores = [prepare(agent)["ranks"][i]["cores"] for i, agent in enumerate(agents)]
        self.assertEqual(cores, ["0", "1", ""])  # the third is not bound

    def test_a_second_agent_of_a_node_is_refused_the_same_one_replaces(self):
        first = self.scheduler.agent("n0", incarnation=1)
        with self.assertRaises(wire.Refused) as caught:
            self.scheduler.agent("n0", incarnation=2)
        self.assertEqual(caught.exception.code, errno.EEXIST)
        self.assertIn("already registered by another agent", str(caught.exception))
        self.assertIn(f"pid {os.getpid()}", str(caught.exception))
        self.scheduler.agent("n0", incarnation=1)
        with self.assertRaises(wire.Closed):
            first.receive_body("never")
        node, = self.client.ask("nodes", {})["nodes"]
        self.assertEqual(node["state"], wire.NODE_IDLE)

    def test_a_lost_agent_is_a_node_down_and_back(self):
        agent = self.scheduler.agent("n0")
        agent.close()
        self.scheduler.wait_log("node n0: agent lost")
        while self.client.ask("nodes", {})["nodes"][0]["state"] != wire.NODE_DOWN:
            pass
        self.scheduler.agent("n0", incarnation=2)
        self.assertEqual(self.client.ask("nodes", {})["nodes"][0]["state"],
                         wire.NODE_IDLE)

    def test_a_silent_agent_is_dropped(self):
        agent = self.scheduler.agent("n0", heartbeats=False)
        with self.assertRaises(wire.Closed):
            agent.receive_body("never")
        self.scheduler.wait_log("silent: no heartbeat in time")

    def test_the_successor_of_a_silent_agent_is_told_to_try_again_and_gets_in(self):
        self.scheduler.agent("n0", heartbeats=False)
        codes = []
        while not codes or codes[-1] is not None:
            try:
                self.scheduler.agent("n0", incarnation=2)
                codes.append(None)
            except wire.Refused as refused:
                codes.append(refused.code)
                select.select([], [], [], 0.2)
        self.assertEqual(list(dict.fromkeys(codes)), [errno.EEXIST, errno.EAGAIN, None])

    @unittest.skipUnless(os.geteuid() == 0, "needs a second user")
    def test_users_touch_only_their_own_jobs_and_no_nodes(self):
        self.scheduler.agent("n0")
        job = submit(self.client, "true")
        self.scheduler.dir.chmod(0o755)
        child = os.fork()
        if child == 0:
            codes = self.codes_of_nobody(job)
            os._exit(0 if codes == [errno.EPERM] * 5 + [None] * 2 else 1)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assertEqual(job_info(self.client, job)["state"], wire.JOB_PENDING)
        self.assertEqual(job_info(self.client, job + 1)["uid"], 65534)
        self.assertEqual(job_info(self.client, job + 1)["state"], wire.JOB_COMPLETING)

    def codes_of_nobody(self, job):
        """What another user is refused with; None where it may."""
        os.setgid(65534)
        os.setuid(65534)
        client = self.scheduler.client()
        agent = self.scheduler.connect()
        requests = [
            lambda: client.ask("cancel", {"job": job}),
            lambda: client.ask("logs", {"job": job}),
            lambda: client.ask("drain", {"nodes": "n0"}),
            lambda: client.ask("resume", {"nodes": "n0"}),
            lambda: agent.hello(wire.ROLE_AGENT, name="n1"),
            lambda: submit(client, "mine"),
            lambda: client.ask("cancel", {"job": job + 1}),
        ]
        codes = []
        for request in requests:
            try:
                request()
                codes.append(None)
            except wire.Refused as refused:
                codes.append(refused.code)
        return codes

    def test_a_node_that_comes_back_without_its_step_fails_the_job(self):
        agent = self.scheduler.agent("n0")
        job = submit(self.client, "x")
        prepare(agent)
        agent.receive_body("step_start")
        agent.close()
        self.scheduler.agent("n0", incarnation=2)
        info = self.client.ask("wait", {"job": job})["jobs"][0]
        self.assertEqual(info["state"], wire.JOB_FAILED)
        self.assertIn("came back without it", info["reason"])

    def test_a_bad_digest_is_refused_by_name(self):
        connection = self.scheduler.connect()
        connection.hello(wire.ROLE_AGENT, name="n0")
        with self.assertRaises(wire.Refused) as caught:
            connection.ask("register", {"node": "n0", "incarnation": 1,
                                        "digest": {**digest(), "gpu_gpu": b"\x09"}})
        self.assertIn("node n0", str(caught.exception))

    def test_one_rack_without_a_fabric_file(self):
        self.scheduler.agent("n0")
        self.scheduler.agent("n1")
        fabric = self.client.ask("fabric", {})
        self.assertEqual([domain["level"] for domain in fabric["domains"]],
                         ["fabric", "rack"])
        self.assertEqual(fabric["domains"][1]["nodes"], ["n0", "n1"])
        self.assertIn("no fabric file", fabric["source"])


class Logs(Jobs):
    """Relays of output. Runs none of the tests of Jobs again."""

    def setUp(self):
        super().setUp()
        self.agents = [self.scheduler.agent(f"n{i}") for i in range(2)]
        self.job = submit(self.client, "train", nodes=2)

    def start_job(self):
        launches = [prepare(agent) for agent in self.agents]
        for agent in self.agents:
            agent.receive_body("step_start")
        return launches

    @staticmethod
    def chunk(agent, request, rank, data, offset=0):
        agent.send("log_chunk", {"rank": rank, "stream": 1, "data": data,
                                 "offset": offset}, request)

    def test_output_of_all_nodes_is_relayed_until_the_end(self):
        number = self.client.start("logs", {"job": self.job, "follow": True})
        self.start_job()
        requests = [agent.receive_body("logs")[0] for agent in self.agents]
        for rank, agent in enumerate(self.agents):
            self.chunk(agent, requests[rank], rank, b"hello %d" % rank)
            request, _, chunk = self.client.receive_body("log_chunk")
            self.assertEqual((request, chunk["rank"], chunk["data"]),
                             (number, rank, b"hello %d" % rank))
        self.client.send("log_ack", {"bytes": 10}, number)
        acks = [agent.receive_body("log_ack") for agent in self.agents]
        self.assertEqual([(ack[0], ack[2]["bytes"]) for ack in acks],
                         [(requests[0], 7), (requests[1], 3)])
        for agent, request in zip(self.agents, requests):
            agent.send("log_end", {}, request)
        self.assertEqual(self.client.receive_body("log_end")[2]["text"], "")

    def test_one_rank_asks_its_node_alone(self):
        self.start_job()
        self.client.start("logs", {"job": self.job, "one_rank": True, "rank": 1})
        request, _, logs = self.agents[1].receive_body("logs")
        self.assertEqual((logs["one_rank"], logs["rank"]), (True, 1))
        self.agents[1].send("log_end", {"text": "file is gone"}, request)
        self.assertIn("file is gone", self.client.receive_body("log_end")[2]["text"])

    def test_an_agent_that_comes_back_is_asked_again_and_nothing_comes_twice(self):
        launches = self.start_job()
        self.client.start("logs", {"job": self.job, "follow": True})
        requests = [agent.receive_body("logs")[0] for agent in self.agents]
        self.chunk(self.agents[0], requests[0], 0, b"abc")
        self.client.receive_body("log_chunk")
        self.agents[0].close()
        step = {"job": self.job, "attempt": 1, "node": "n0", "state": wire.STEP_RUNNING}
        back = self.scheduler.agent("n0", steps=[step], incarnation=2)
        request, _, _ = back.receive_body("logs")
        self.chunk(back, request, 0, b"abcdef")
        chunk = self.client.receive_body("log_chunk")[2]
        self.assertEqual((chunk["data"], chunk["offset"]), (b"def", 3))
        self.assertEqual(back.receive_body("log_ack")[2]["bytes"], 3)
        self.assertEqual(len(launches), 2)

    def test_a_client_that_leaves_ends_the_streams(self):
        self.start_job()
        other = self.scheduler.client()
        other.start("logs", {"job": self.job, "follow": True})
        requests = [agent.receive_body("logs")[0] for agent in self.agents]
        other.close()
        for agent, request in zip(self.agents, requests):
            self.assertEqual(agent.receive_body("log_end")[0], request)

    def test_output_without_its_agent_is_said_to_be_missing(self):
        self.start_job()
        self.agents[1].close()
        self.scheduler.wait_log("node n1: agent lost")
        self.client.start("logs", {"job": self.job})
        request = self.agents[0].receive_body("logs")[0]
        self.agents[0].send("log_end", {}, request)
        self.assertIn("n1: its agent is not connected",
                      self.client.receive_body("log_end")[2]["text"])


for _name in [name for name in vars(Jobs) if name.startswith("test_")]:
    setattr(Logs, _name, None)


class Restart(unittest.TestCase):
    def test_jobs_survive_a_kill_at_each_stage(self):
        with Scheduler() as scheduler:
            agent = scheduler.agent("n0")
            client = scheduler.client()
            job = submit(client, "train", ntasks=2, gpus_per_task=1)
            first = agent.receive_body("launch")[2]
            scheduler.kill()

            scheduler.start()  # accepted, launched: launched again, the same way
            agent = scheduler.agent("n0")
            second = agent.receive_body("launch")[2]
            self.assertEqual(first, second)
            agent.name = "n0"
            report(agent, second, wire.STEP_READY, address="127.0.0.1:4000")
            agent.receive_body("step_start")
            scheduler.kill()

            scheduler.start()  # running: the agent still has it
            step = {"job": job, "attempt": 1, "node": "n0", "state": wire.STEP_RUNNING,
                    "ranks": [{"rank": 0, "pid": 50}, {"rank": 1, "pid": 51}]}
            agent = scheduler.agent("n0", steps=[step])
            client = scheduler.client()
            info = job_info(client, job)
            self.assertEqual(info["state"], wire.JOB_RUNNING)
            end(agent, second)
            before = job_info(client, job)
            self.assertEqual(before["state"], wire.JOB_COMPLETED)
            scheduler.kill()

            scheduler.start()  # ended: results are still there
            after = job_info(scheduler.client(), job)
            for rank in before["ranks"]:
                rank["pid"] = 0  # pids are not kept
            self.assertEqual(after, before)

    def test_acknowledged_jobs_are_never_lost(self):
        with Scheduler() as scheduler:
            scheduler.agent("n0")
            acknowledged = []
            for round_ in range(10):
                client = scheduler.client()
                for i in range(5):
                    acknowledged.append(submit(client, "x", submit_key=f"{round_}.{i}"))
                for i in range(5, 20):  # in flight when it dies
                    client.start("submit", {
                        "spec": spec("x", submit_key=f"{round_}.{i}")})
                scheduler.kill()
                scheduler.start()
            jobs = [job["id"] for job in scheduler.client().ask("jobs", {})["jobs"]]
            self.assertEqual(len(set(acknowledged)), 50)
            self.assertLessEqual(set(acknowledged), set(jobs))
            self.assertEqual(len(jobs), len(set(jobs)))

    def test_sigterm_ends_it_in_order(self):
        with Scheduler() as scheduler:
            agent = scheduler.agent("n0")
            self.assertEqual(scheduler.stop(), 0)
            with self.assertRaises(wire.Closed):
                agent.receive_body("never")
            self.assertFalse(scheduler.socket.exists())
            self.assertFalse((scheduler.dir / "scheduler.pid").exists())
            self.assertIn("running jobs go on", scheduler.log())

    def test_full_disk_refuses_work_and_recovers(self):
        with Scheduler() as scheduler:
            agent = scheduler.agent("n0")
            client = scheduler.client()
            job = submit(client, "x")
            launch = prepare(agent)
            agent.receive_body("step_start")
            pid = scheduler.process.pid
            before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, -1))
            with self.assertRaises(wire.Refused) as caught:
                submit(client, "y", comment="c" * 4000)
            self.assertIn(caught.exception.code, (errno.ENOSPC, errno.EFBIG))
            report(agent, launch, wire.STEP_ENDED, ranks=[{"rank": 0, "ended": True}])
            self.assertEqual(job_info(client, job)["state"], wire.JOB_RUNNING)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
            end(agent, launch)
            self.assertEqual(job_info(client, job)["state"], wire.JOB_COMPLETED)
            self.assertEqual(submit(client, "z"), job + 1)
            scheduler.wait_log("event log: can be written again")


class Start(unittest.TestCase):
    def run_scheduler(self, *options):
        return subprocess.run([BIN / "lockstep-scheduler", *map(str, options)],
                              capture_output=True, text=True, timeout=30,
                              env={k: v for k, v in os.environ.items()
                                   if k != "LOCKSTEP_DIR"})

    def test_a_second_scheduler_in_the_directory_is_refused_with_the_pid(self):
        with Scheduler() as scheduler:
            second = self.run_scheduler("--dir", scheduler.dir)
            self.assertEqual(second.returncode, 1)
            self.assertIn(str(scheduler.process.pid), second.stderr)
            self.assertTrue(scheduler.socket.exists())
            self.assertTrue((scheduler.dir / "scheduler.pid").exists())
            scheduler.client().ask("jobs", {})

    def test_stale_files_of_a_killed_one_are_no_obstacle(self):
        with Scheduler() as scheduler:
            scheduler.kill()
            self.assertTrue(scheduler.socket.exists())
            scheduler.start()
            self.assertEqual((scheduler.dir / "scheduler.pid").read_text().strip(),
                             str(scheduler.process.pid))
            scheduler.client().ask("jobs", {})

    def test_a_taken_port_and_foreign_addresses_are_refused(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            for listen, expected in ((f"127.0.0.1:{port}", "in use"),
                                     ("0.0.0.0:0", "loopback"),
                                     ("nonsense", "HOST:PORT")):
                with self.subTest(listen), self.assertRaises(RuntimeError) as caught:
                    with Scheduler("--listen", listen):
                        pass
                self.assertIn(expected, str(caught.exception))

    def test_over_tcp_the_cluster_key_is_asked_for(self):
        with Scheduler("--listen", "127.0.0.1:0") as scheduler:
            key_file = scheduler.dir / "cluster.key"
            key = key_file.read_text()
            self.assertEqual(key_file.stat().st_mode & 0o777, 0o600)
            self.assertEqual(len(key), 64)
            for wrong in ("", key[:-1], key[:-1] + ("0" if key[-1] != "0" else "1")):
                with self.assertRaises(wire.Refused) as caught:
                    scheduler.connect(scheduler.tcp).hello(wire.ROLE_CLIENT, key=wrong)
                self.assertEqual(caught.exception.code, errno.EACCES)
            client = scheduler.connect(scheduler.tcp)
            client.hello(wire.ROLE_CLIENT, key=key)
            self.assertEqual(client.ask("jobs", {})["jobs"], [])

    def test_a_fabric_file_gives_racks(self):
        with Scheduler() as scheduler:
            file = scheduler.dir / "fabric.yaml"
            file.write_text("name: two\nracks:\n  - name: r0\n    nodes: n[0-1]\n"
                            "  - name: r1\n    nodes: n[2-3]\n")
            scheduler.stop()
            scheduler.options = ["--fabric", str(file)]
            scheduler.start()
            for i in range(4):
                scheduler.agent(f"n{i}")
            client = scheduler.client()
            nodes = client.ask("nodes", {})["nodes"]
            self.assertEqual([node["rack"] for node in nodes], ["r0", "r0", "r1", "r1"])
            domains = client.ask("fabric", {})["domains"]
            self.assertEqual([domain["name"] for domain in domains],
                             ["two", "r0", "r1"])
            with self.assertRaises(wire.Refused) as caught:
                submit(client, "x", nodes=3, within="rack")
            self.assertIn("in one rack", str(caught.exception))

    def test_wrong_usage_exits_2(self):
        for options in ((), ("--dir", "/tmp/x", "--nonsense"), ("--dir", "/tmp/x", "y"),
                        ("--dir", "/tmp/x", "--log-level", "loud"),
                        ("--dir", "/tmp/x", "--node-timeout", "-1"),
                        ("--dir", "/tmp/x", "--ready-fd", "x")):
            with self.subTest(options):
                self.assertEqual(self.run_scheduler(*options).returncode, 2)
        self.assertEqual(self.run_scheduler("--help").returncode, 0)
        self.assertIn("lockstep-scheduler", self.run_scheduler("--version").stdout)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    unittest.main(verbosity=2)
