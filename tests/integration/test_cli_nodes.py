"""`lockstep nodes drain resume fabric`: the hardware as operators see it."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from cluster import HGX_H100, Cluster, poll

NODE_KEYS = {"name", "state", "reason", "gpus", "nics", "cores", "memory_bytes"}
FABRIC = """\
name: small
racks:
  - name: r0
    nodes: "n[0-1]"
  - name: r1
    nodes: "n[2-3]"
"""


class Nodes(unittest.TestCase):
    def setUp(self):
        self.cluster = self.enterContext(Cluster(nodes=2, topology=HGX_H100))

    def state(self, name):
        (node,) = self.cluster.json("nodes", name)
        return node["state"], node["reason"]

    def test_json_has_the_documented_keys(self):
        for node in self.cluster.json("nodes"):
            self.assertLessEqual(NODE_KEYS, set(node))
            self.assertEqual(len(node["gpus"]), 8)
            for index, gpu in enumerate(node["gpus"]):
                self.assertLessEqual({"index", "model", "bus_id", "numa", "nic"}, set(gpu))
                self.assertEqual(gpu["index"], index)
                self.assertIn(gpu["nic"], [nic["name"] for nic in node["nics"]])
            for nic in node["nics"]:
                self.assertLessEqual({"name", "kind", "numa"}, set(nic))
            self.assertGreater(node["memory_bytes"], 1 << 30)

    def test_the_table_has_a_line_for_each_node(self):
        lines = self.cluster.lockstep("nodes", check=True).stdout.splitlines()
        self.assertEqual(lines[0].split(), ["NODE", "STATE", "RACK", "GPUS", "MODEL",
                                            "CORES", "MEMORY", "JOBS", "REASON"])
        self.assertRegex(lines[1], r"^n0 +idle +\S+ +0/8 +.*H100.* 0/112 ")
        self.assertRegex(lines[2], r"^n1 +idle ")

    def test_one_node_shows_its_tree_and_matrix(self):
        text = self.cluster.lockstep("nodes", "n0", check=True).stdout
        self.assertRegex(text, r"(?i)package")
        self.assertIn("mlx5_0", text)
        self.assertRegex(text, r"(?m)^ *GPU0 ")
        self.assertIn("Legend", text)

    def test_unknown_nodes_are_named(self):
        for words in (["nodes", "n7"], ["drain", "n7", "--reason", "x"], ["resume", "n7"]):
            with self.subTest(words=words):
                done = self.cluster.lockstep(*words)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, r"\Alockstep: .*n7")

    def test_use_is_shown_while_a_job_runs(self):
        job = self.cluster.submit("-w", "n1", "--gpus-per-node", "3", "--", "sleep", "600")
        self.cluster.wait_state(job, "running")
        (node,) = self.cluster.json("nodes", "n1")
        self.assertEqual((node["state"], node["gpus_used"], node["jobs"]),
                         ("mixed", 3, [job]))
        self.assertEqual(self.state("n0"), ("idle", ""))

    def test_a_drained_node_gets_no_jobs_until_it_is_resumed(self):
        done = self.cluster.lockstep("drain", "n0", "--reason", "fan 3 is loud",
                                     check=True)
        self.assertIn("n0: gets no new jobs", done.stdout)
        self.assertEqual(self.state("n0"), ("drained", "fan 3 is loud"))
        job = self.cluster.submit("-w", "n0", "--", "true")
        other = self.cluster.submit("-N", "1", "--exclude", "n0", "--", "true")
        self.assertEqual(self.cluster.job(job)["state"], "pending")
        self.cluster.lockstep("resume", "n0", check=True)
        for number in (job, other):
            self.assertEqual(self.cluster.lockstep("wait", number).returncode, 0)
        self.assertEqual(self.state("n0"), ("idle", ""))

    def test_running_jobs_go_on_while_their_node_drains(self):
        job = self.cluster.submit("-N", "2", "--", "sleep", "600")
        self.cluster.wait_state(job, "running")
        self.cluster.lockstep("drain", "n[0-1]", "--reason", "new firmware", check=True)
        self.assertEqual(self.state("n1"), ("draining", "new firmware"))
        self.assertEqual(self.cluster.job(job)["state"], "running")
        self.cluster.lockstep("cancel", job, check=True)
        self.cluster.lockstep("wait", job)
        poll(lambda: self.state("n1")[0] == "drained", "n1 drained")

    def test_a_node_without_agent_is_down(self):
        self.cluster.kill("n1")
        poll(lambda: self.state("n1")[0] == "down", "n1 down")
        self.assertEqual(self.state("n0")[0], "idle")
        (rack,) = [domain for domain in self.cluster.json("fabric")["domains"]
                   if domain["nodes"]]
        self.assertIn({"name": "n1", "state": "down"}, rack["nodes"])


class Fabric(unittest.TestCase):
    def cluster(self, text):
        cluster = self.enterContext(Cluster(up=False))
        fabric = cluster.dir / "small.yaml"
        fabric.write_text(text)
        cluster.up("--nodes", "3", "--fabric", fabric)
        return cluster

    def test_racks_and_the_states_of_their_nodes_are_shown(self):
        cluster = self.cluster(FABRIC)
        cluster.lockstep("drain", "n1", "--reason", "x", check=True)
        text = cluster.lockstep("fabric", check=True).stdout
        self.assertRegex(text, r"(?m)^fabric small$")
        self.assertRegex(text, r"(?m)^  rack r0: idle n0, drained n1$")
        self.assertRegex(text, r"(?m)^  rack r1: idle n2, absent n3$")
        told = cluster.json("fabric")
        self.assertEqual(told["name"], "small")
        self.assertEqual(told["domains"][0]["parent"], None)
        self.assertEqual(told["domains"][2],
                         {"level": "rack", "name": "r1", "parent": "small",
                          "nodes": [{"name": "n2", "state": "idle"},
                                    {"name": "n3", "state": "absent"}]})
        self.assertEqual([node["rack"] for node in cluster.json("nodes")],
                         ["r0", "r0", "r1"])

    def test_within_a_rack_holds_its_nodes_together(self):
        cluster = self.cluster(FABRIC)
        done = cluster.lockstep("run", "-N", "2", "--within", "rack", "--", "true")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(cluster.job(1)["nodes"], ["n0", "n1"])
        done = cluster.lockstep("submit", "-N", "3", "--within", "rack", "--", "true")
        self.assertEqual(done.returncode, 1)
        self.assertIn("at most --nodes 2", done.stderr)


if __name__ == "__main__":
    unittest.main()
