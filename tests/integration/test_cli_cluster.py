"""`lockstep up` and `lockstep down`: whole clusters, and what is left of broken ones."""

import concurrent.futures
import json
import os
import pathlib
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from cluster import HGX_H100, Cluster, poll


class UpAndDown(unittest.TestCase):
    def cluster(self, **more):
        return self.enterContext(Cluster(**more))

    def test_up_returns_when_every_node_takes_jobs(self):
        cluster = self.cluster(nodes=3, topology=HGX_H100)
        self.assertEqual([(node["name"], node["state"]) for node in cluster.json("nodes")],
                         [("n0", "idle"), ("n1", "idle"), ("n2", "idle")])
        self.assertEqual(cluster.lockstep("run", "-N", "3", "--", "true").returncode, 0)

    def test_without_options_the_node_is_this_machine(self):
        cluster = self.cluster()
        (node,) = cluster.json("nodes")
        self.assertGreaterEqual(node["cores"], 1)
        self.assertEqual(cluster.lockstep("run", "--", "true").returncode, 0)

    def test_a_second_up_finds_that_all_runs(self):
        cluster = self.cluster(nodes=2, topology=HGX_H100)
        before = cluster.processes()
        done = cluster.lockstep("up")
        self.assertEqual(done.returncode, 0)
        self.assertIn("runs already: 2 nodes", done.stdout)
        self.assertEqual(cluster.processes(), before)
        self.assertEqual(cluster.json("up")["started"], 0)

    def test_down_twice_is_fine_and_history_stays(self):
        cluster = self.cluster()
        self.assertEqual(cluster.lockstep("run", "-J", "mark", "--", "true").returncode, 0)
        self.assertIn("is down", cluster.lockstep("down", check=True).stdout)
        self.assertEqual(cluster.processes(), {})
        self.assertFalse((cluster.dir / "scheduler.sock").exists())
        done = cluster.lockstep("down", check=True)
        self.assertEqual(done.stdout, f"nothing runs in {cluster.dir}\n")
        cluster.up()
        self.assertEqual([job["name"] for job in cluster.json("jobs", "-a")], ["mark"])

    def test_down_without_a_directory_is_fine(self):
        cluster = self.cluster(up=False)
        done = cluster.lockstep("down", "--dir", cluster.dir / "nothing", check=True)
        self.assertIn("nothing runs in", done.stdout)
        self.assertFalse((cluster.dir / "nothing").exists())

    def test_down_cancels_what_runs(self):
        cluster = self.cluster(nodes=2, topology=HGX_H100)
        job = cluster.submit("-N", "2", "--", "sleep", "600")
        waiting = cluster.submit("--exclusive", "-N", "2", "--", "true")
        cluster.wait_state(job, "running")
        cluster.lockstep("down", check=True)
        self.assertEqual(cluster.processes(), {})
        cluster.up()
        self.assertEqual(cluster.job(job)["state"], "cancelled")
        self.assertEqual(cluster.job(waiting)["state"], "cancelled")

    def test_up_brings_back_what_is_missing_with_the_same_settings(self):
        cluster = self.cluster(nodes=2, topology=HGX_H100)
        job = cluster.submit("-N", "2", "--", "sleep", "600")
        cluster.wait_state(job, "running")
        kept = cluster.pid("n1")
        cluster.kill("n0")
        self.assertEqual(cluster.json("up")["started"], 1)
        self.assertEqual(cluster.pid("n1"), kept)
        cluster.kill()
        self.assertEqual(cluster.json("up")["started"], 1)
        self.assertEqual([len(node["gpus"]) for node in cluster.json("nodes")], [8, 8])
        self.assertEqual(cluster.job(job)["state"], "running")

    def test_stale_files_after_everything_was_killed_do_no_harm(self):
        cluster = self.cluster(nodes=2, topology=HGX_H100)
        job = cluster.submit("-N", "2", "-n", "2", "--", "sleep", "600")
        cluster.wait_state(job, "running")
        for pid in cluster.processes():
            os.kill(pid, signal.SIGKILL)
        poll(lambda: not cluster.processes(), "the end of all processes")
        self.assertTrue((cluster.dir / "scheduler.sock").exists())
        # Somebody else's process has the number in the stale pid file now.
        (cluster.dir / "scheduler.pid").write_text(f"{os.getpid()}\n")
        cluster.up()
        ended = cluster.wait_state(job, "failed", "node_fail", "cancelled")
        self.assertNotEqual(ended["exit_code"], 0)
        self.assertEqual(cluster.lockstep("run", "-N", "2", "--", "true").returncode, 0)

    def test_down_after_everything_was_killed_hits_nobody_else(self):
        cluster = self.cluster()
        for pid in cluster.processes():
            os.kill(pid, signal.SIGKILL)
        poll(lambda: not cluster.processes(), "the end of all processes")
        (cluster.dir / "scheduler.pid").write_text(f"{os.getpid()}\n")
        done = cluster.lockstep("down", check=True)  # and we are still here
        self.assertIn("nothing runs in", done.stdout)

    def test_down_without_a_scheduler_leaves_no_job_behind(self):
        cluster = self.cluster(nodes=2, topology=HGX_H100)
        job = cluster.submit("-N", "2", "--", "sh", "-c", "setsid sleep 600 & wait")
        cluster.wait_state(job, "running")
        cluster.kill()
        cluster.lockstep("down", check=True)
        self.assertEqual(cluster.processes(), {})

    def test_two_clusters_side_by_side_know_nothing_of_one_another(self):
        one, two = self.cluster(), self.cluster(nodes=2)
        self.assertEqual(len(one.json("nodes")), 1)
        self.assertEqual(len(two.json("nodes")), 2)
        self.assertEqual(one.lockstep("run", "--", "true").returncode, 0)
        self.assertEqual(two.json("jobs", "--all"), [])
        one.lockstep("down", check=True)
        self.assertEqual(two.lockstep("run", "-N", "2", "--", "true").returncode, 0)

    def test_dir_wins_over_the_environment(self):
        cluster = self.cluster()
        done = cluster.lockstep("jobs", "--dir", cluster.dir / "other")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{cluster.dir}/other/scheduler.sock", done.stderr)

    def test_nodes_can_be_added_to_a_running_cluster(self):
        cluster = self.cluster()
        scheduler = cluster.pid()
        cluster.up("--nodes", "2")
        self.assertEqual(len(cluster.json("nodes")), 2)
        self.assertEqual(cluster.pid(), scheduler)
        cluster.lockstep("down", check=True)
        cluster.up()
        self.assertEqual(len(cluster.processes("lockstep-agent")), 2)

    def test_other_settings_need_a_cluster_that_is_down(self):
        cluster = self.cluster()
        done = cluster.lockstep("up", "--topology", HGX_H100)
        self.assertEqual(done.returncode, 1)
        self.assertIn("runs with other settings; `lockstep down` first", done.stderr)
        cluster.lockstep("down", check=True)
        cluster.up("--topology", HGX_H100)
        self.assertEqual(len(cluster.json("nodes")[0]["gpus"]), 8)

    def test_a_daemon_that_cannot_start_is_named_with_its_words(self):
        cluster = self.cluster(up=False)
        broken = cluster.dir / "broken.xml"
        broken.write_text("<topology>")
        done = cluster.lockstep("up", "--nodes", "2", "--topology", broken)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"\Alockstep: n[01] did not start: .*broken\.xml")
        self.assertIn(".log)", done.stderr)
        self.assertEqual(cluster.processes(), {})
        cluster.up("--nodes", "1")  # the failed attempt left no settings
        self.assertEqual(len(cluster.json("nodes")), 1)

    def test_files_that_are_not_there_are_named(self):
        cluster = self.cluster(up=False)
        for option in ("--topology", "--fabric"):
            done = cluster.lockstep("up", option, "/no/such/file")
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"lockstep: {option}: cannot use /no/such/file: No such file",
                          done.stderr)
        self.assertEqual(cluster.processes(), {})

    def test_a_directory_that_is_none_or_not_ours_is_refused(self):
        cluster = self.cluster(up=False)
        file = cluster.dir / "file"
        file.touch()
        done = cluster.lockstep("up", "--dir", file)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"lockstep: {file}: is no directory", done.stderr)
        if os.geteuid() == 0:
            other = cluster.dir / "other"
            other.mkdir()
            os.chown(other, 65534, 65534)
            done = cluster.lockstep("up", "--dir", other)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"lockstep: {other}: belongs to another user", done.stderr)

    def test_a_broken_fabric_file_is_named_with_its_line(self):
        cluster = self.cluster(up=False)
        fabric = cluster.dir / "fabric.yaml"
        fabric.write_text("name: x\nracks:\n  - nmae: r0\n")
        done = cluster.lockstep("up", "--fabric", fabric)
        self.assertEqual(done.returncode, 1)
        self.assertIn("scheduler did not start: ", done.stderr)
        self.assertIn("fabric.yaml", done.stderr)

    def test_a_port_that_is_taken_is_named(self):
        one = self.cluster(up=False)
        one.up("--listen", "127.0.0.1:0")
        log = (one.dir / "log/scheduler.log").read_text()
        port = log.split("127.0.0.1:")[1].split()[0]
        two = self.cluster(up=False)
        done = two.lockstep("up", "--listen", f"127.0.0.1:{port}")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"127.0.0.1:{port}", done.stderr)
        self.assertIn("in use", done.stderr)
        self.assertEqual(two.processes(), {})

    def test_several_ups_at_once_make_one_cluster(self):
        cluster = self.cluster(up=False)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            done = [result.result() for result in
                    [pool.submit(cluster.lockstep, "up", "--nodes", "2")
                     for _ in range(4)]]
        self.assertIn(0, [one.returncode for one in done])
        for one in done:
            if one.returncode:
                self.assertIn("another `lockstep up` or `down` (pid ", one.stderr)
        self.assertEqual(len(cluster.processes("lockstep-scheduler")), 1)
        self.assertEqual(len(cluster.processes("lockstep-agent")), 2)

    def test_damaged_settings_are_named(self):
        cluster = self.cluster(up=False)
        (cluster.dir / "cluster.json").write_text("{")
        done = cluster.lockstep("up")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cluster.json:1: ", done.stderr)

    def test_json_tells_pids_and_logs(self):
        cluster = self.cluster(up=False)
        told = json.loads(cluster.lockstep("up", "--nodes", "2", "--json",
                                           check=True).stdout)
        self.assertEqual(told["directory"], str(cluster.dir))
        self.assertEqual(told["address"], f"unix:{cluster.dir}/scheduler.sock")
        self.assertEqual(told["started"], 3)
        self.assertEqual(told["scheduler"]["pid"], cluster.pid())
        self.assertEqual([node["name"] for node in told["nodes"]], ["n0", "n1"])
        for daemon in [told["scheduler"], *told["nodes"]]:
            self.assertIn("ready" if daemon["name"] == "scheduler" else "",
                          pathlib.Path(daemon["log"]).read_text())
        self.assertEqual(json.loads(cluster.lockstep("down", "--json").stdout)["ended"], 3)


class Foreground(unittest.TestCase):
    def setUp(self):
        self.cluster = self.enterContext(Cluster(up=False))
        self.command = self.enterContext(self.cluster.start("up", "--foreground"))
        self.text = ""
        while "Ctrl-C ends it" not in self.text:
            line = self.command.stdout.readline()
            self.assertTrue(line, self.text)
            self.text += line

    def test_it_stays_until_control_c_and_then_ends_all(self):
        self.assertEqual(self.cluster.lockstep("run", "--", "true").returncode, 0)
        self.command.send_signal(signal.SIGINT)
        self.assertEqual(self.command.wait(60), 0)
        self.assertEqual(self.cluster.processes(), {})

    def test_it_ends_when_the_scheduler_does(self):
        self.cluster.kill()
        _, err = self.command.communicate(timeout=60)
        self.assertEqual(self.command.returncode, 1)
        self.assertIn("lockstep: scheduler has ended", err)
        self.assertEqual(self.cluster.processes(), {})

    def test_it_reports_an_agent_that_ends_and_goes_on(self):
        self.cluster.kill("n0")
        self.assertIn("lockstep: n0 has ended", self.command.stderr.readline())
        self.assertEqual(self.cluster.json("jobs"), [])
        self.command.send_signal(signal.SIGTERM)
        self.assertEqual(self.command.wait(60), 0)


if __name__ == "__main__":
    unittest.main()
