"""An agent and its steps: what ranks find, how they end, what is left of them."""

import os
import pathlib
import signal
import sys
import textwrap
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import wire
from agent import Node, is_alive, until


def environment(data):
    return dict(line.split("=", 1) for line in data.decode().splitlines() if "=" in line)


class OneNode(unittest.TestCase):
    def setUp(self):
        self.node = self.enterContext(Node())

    def tearDown(self):
        self.node.assert_nothing_left()

    def only_rank(self, report):
        self.assertEqual(len(report["ranks"]), 1)
        rank = report["ranks"][0]
        self.assertTrue(rank["ended"])
        return rank

    def test_a_rank_ends_with_its_exit_code(self):
        report = self.node.run("sh", "-c", "echo out; echo err >&2; exit 7")[0]
        rank = self.only_rank(report)
        self.assertEqual((rank["exit_code"], rank["signal"], rank["text"]), (7, 0, ""))
        self.assertEqual(report["reason"], "")
        self.assertEqual(self.node.output(), b"out\n")
        self.assertEqual(self.node.output(stream="err"), b"err\n")

    def test_a_signal_is_reported_as_a_signal(self):
        rank = self.only_rank(self.node.run("sh", "-c", "kill -SEGV $$")[0])
        self.assertEqual((rank["exit_code"], rank["signal"]), (-1, signal.SIGSEGV))

    def test_a_missing_program_is_127_with_its_name_and_why(self):
        rank = self.only_rank(self.node.run("no-such-program")[0])
        self.assertEqual(rank["exit_code"], 127)
        self.assertEqual(rank["text"],
                         "cannot run 'no-such-program': No such file or directory")

    def test_a_missing_path_is_127(self):
        rank = self.only_rank(self.node.run("./bin/prog")[0])
        self.assertEqual(rank["exit_code"], 127)
        self.assertIn("'./bin/prog'", rank["text"])

    def test_a_file_that_may_not_be_executed_is_126(self):
        (self.node.work / "data").write_text("text")
        rank = self.only_rank(self.node.run("./data")[0])
        self.assertEqual(rank["exit_code"], 126)
        self.assertEqual(rank["text"], "cannot run './data': Permission denied")

    def test_programs_are_searched_in_the_path_of_the_job(self):
        tools = self.node.work / "tools"
        tools.mkdir()
        (tools / "mine").write_text("#!/bin/sh\necho mine $1\n")
        (tools / "mine").chmod(0o755)
        report = self.node.run("mine", "x", env=["PATH=/usr/bin:tools:/bin"])[0]
        self.assertEqual(self.only_rank(report)["exit_code"], 0)
        self.assertEqual(self.node.output(), b"mine x\n")

    def test_a_missing_working_directory_is_named(self):
        rank = self.only_rank(self.node.run("true", cwd="/nowhere/at/all")[0])
        self.assertEqual(rank["exit_code"], 1)
        self.assertEqual(rank["text"],
                         "cannot enter '/nowhere/at/all': No such file or directory")

    def test_a_rank_finds_the_environment_of_the_contract(self):
        self.node.launch("env", job=9, ranks_per_node=2, name="train",
                         env=["PATH=/usr/bin:/bin", "MINE=yes", "RANK=old"],
                         cpus_per_task=3, ntasks_per_node=2)
        ready = self.node.begin(job=9)[0]
        self.node.peer.report(wire.STEP_ENDED, 9)
        host, _, port = ready["address"].split(":")
        found = environment(self.node.output(job=9, rank=1))
        wanted = {
            "MINE": "yes", "RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1",
            "LOCKSTEP_JOB_ID": "9", "LOCKSTEP_RANK": "1", "LOCKSTEP_WORLD_SIZE": "2",
            "LOCKSTEP_LOCAL_RANK": "1", "LOCKSTEP_LOCAL_WORLD_SIZE": "2",
            "LOCKSTEP_NODE_RANK": "0", "LOCKSTEP_NODE": "n0",
            "MASTER_ADDR": host, "MASTER_PORT": port, "OMP_NUM_THREADS": "3",
            "SLURM_JOB_ID": "9", "SLURM_JOBID": "9", "SLURM_PROCID": "1",
            "SLURM_LOCALID": "1", "SLURM_NODEID": "0", "SLURM_NTASKS": "2",
            "SLURM_NPROCS": "2", "SLURM_NNODES": "1", "SLURM_JOB_NUM_NODES": "1",
            "SLURM_JOB_NODELIST": "n0", "SLURM_NODELIST": "n0",
            "SLURMD_NODENAME": "n0", "SLURM_JOB_NAME": "train",
            "SLURM_SUBMIT_DIR": str(self.node.work), "SLURM_CPUS_PER_TASK": "3",
            "SLURM_NTASKS_PER_NODE": "2", "SLURM_TASKS_PER_NODE": "2",
        }
        self.assertEqual({name: found.get(name) for name in wanted}, wanted)
        self.assertTrue(found["LOCKSTEP_STEP_ID"].startswith("9.1.n0."))
        self.assertIn("/steps/9.1/", found["LOCKSTEP_STEP_SOCKET"])

    def test_a_rank_has_no_descriptor_but_its_own_and_default_signals(self):
        program = ("import os, signal; print(sorted(map(int, os.listdir('/proc/self/fd')))[:-1],"
                   "signal.getsignal(signal.SIGHUP) == signal.SIG_DFL,"
                   "not signal.pthread_sigmask(signal.SIG_BLOCK, []),"
                   "os.getpgrp() == os.getpid(), os.getsid(0) == os.getppid(),"
                   "os.readlink('/proc/self/fd/0'))")
        self.node.run(sys.executable, "-c", program)
        self.assertEqual(self.node.output(),
                         b"[0, 1, 2] True True True True /dev/null\n")

    def test_ten_megabytes_of_output_are_complete(self):
        program = ("import sys\n"
                   "for i in range(10 * 1024):\n"
                   "    sys.stdout.write(f'{i:07d}' + 'x' * 1016 + chr(10))\n")
        report = self.node.run(sys.executable, "-c", program)[0]
        self.assertEqual(self.only_rank(report)["text"], "")
        lines = self.node.output().splitlines()
        self.assertEqual(len(lines), 10 * 1024)
        self.assertEqual([int(line[:7]) for line in lines], list(range(10 * 1024)))
        self.assertEqual({len(line) for line in lines}, {1023})

    def test_output_goes_where_the_pattern_says_and_logs_find_it(self):
        self.node.run("sh", "-c", "echo o$RANK; echo e$RANK >&2", job=5,
                      ranks_per_node=2, output="%x-%j.%2t.%N.log")
        for rank in (0, 1):
            path = self.node.work / f"test-5.0{rank}.n0.log"
            self.assertEqual(path.read_text(), f"o{rank}\ne{rank}\n")
            self.assertEqual(self.node.output(job=5, rank=rank), path.read_bytes())

    def test_ranks_share_a_file_when_the_pattern_has_no_rank(self):
        self.node.run("sh", "-c", "echo $RANK", ranks_per_node=4, output="all.log",
                      error="all.err")
        lines = (self.node.work / "all.log").read_text().split()
        self.assertEqual(sorted(lines), ["0", "1", "2", "3"])
        self.assertEqual((self.node.work / "all.err").read_text(), "")

    def test_output_that_cannot_be_opened_fails_the_job_before_it_starts(self):
        self.node.launch("touch", "ran", output="no/such/dir/%j")
        report = self.node.peer.report(wire.STEP_ENDED)
        self.assertIn(f"{self.node.work}/no/such/dir/1: No such file or directory",
                      report["reason"])
        self.assertFalse((self.node.work / "ran").exists())

    def test_a_full_disk_loses_output_and_says_so(self):
        rank = self.only_rank(self.node.run("sh", "-c", "echo lost; exit 0",
                                            output="/dev/full")[0])
        self.assertEqual(rank["exit_code"], 0)
        self.assertEqual(rank["text"], "stdout: 5 bytes lost: No space left on device")

    def test_a_script_runs_by_its_first_line_with_arguments(self):
        script = '#!/bin/sh -e\necho "$0" | grep -q /steps/ && echo "$1|$2|$-"\nfalse\n'
        report = self.node.run_script(script, "a b", "c")
        self.assertEqual(self.only_rank(report)["exit_code"], 1)
        self.assertRegex(self.node.output().decode(), r"^a b\|c\|.*e.*\n$")

    def test_a_script_without_an_interpreter_is_refused(self):
        self.node.launch("job.sh", script=b"echo hello\n")
        report = self.node.peer.report(wire.STEP_ENDED)
        self.assertIn("#!", report["reason"])

    def test_a_failed_rank_ends_the_others_and_is_reported_first(self):
        self.node.launch("sh", "-c", 'if [ $RANK = 2 ]; then exit 3; fi; exec cat /dev/zero'
                         ' >/dev/null', ranks_per_node=3)
        self.node.begin()
        while True:
            report = self.node.peer.report(wire.STEP_RUNNING)
            ended = [rank for rank in report["ranks"] if rank["ended"]]
            if ended:
                break
        self.assertEqual([(rank["rank"], rank["exit_code"]) for rank in ended], [(2, 3)])
        report = self.node.peer.report(wire.STEP_ENDED)
        self.assertEqual([rank["signal"] for rank in report["ranks"]],
                         [signal.SIGTERM, signal.SIGTERM, 0])

    def test_a_rank_that_cannot_start_stops_the_ones_before_it(self):
        self.node.launch("sh", "-c", "exec cat /dev/zero >/dev/null", ranks_per_node=2,
                         cwd=str(self.node.work / "here"))
        (self.node.work / "here").mkdir()
        self.node.begin()
        report = self.node.peer.report(wire.STEP_RUNNING)
        self.node.peer.kill(1)
        self.assertEqual(self.node.peer.report(wire.STEP_ENDED)["reason"],
                         "cancelled by test")
        self.assertTrue(all(rank["pid"] for rank in report["ranks"]))

    def test_kill_reaches_detached_grandchildren_that_ignore_sigterm(self):
        program = textwrap.dedent("""\
            import os, signal, sys
            for i in range(3):
                if os.fork() == 0:
                    os.setsid()
                    if os.fork() == 0:
                        signal.signal(signal.SIGTERM, signal.SIG_IGN)
                        os.environ.clear()
                        os.execve('/bin/sh', ['sh', '-c', 'trap "" TERM; echo $$;'
                                  ' exec sleep 1000'], {})
                    os._exit(0)
            print('forked', flush=True)
            signal.pause()
            """)
        self.node.launch(sys.executable, "-c", program, kill_grace_ms=200)
        self.node.begin()
        lines = until(lambda: (lambda out: len(out) == 4 and out)(
            self.node.output().split()), "four lines of output")
        pids = [int(line) for line in lines if line.isdigit()]
        self.assertEqual(len(pids), 3)
        self.assertTrue(all(map(is_alive, pids)))
        self.node.peer.kill(1)
        report = self.node.peer.report(wire.STEP_ENDED)
        self.assertEqual(report["reason"], "cancelled by test")
        self.assertFalse(any(map(is_alive, pids)))

    def test_what_ranks_leave_behind_is_killed_and_does_not_hold_the_end_up(self):
        self.node.run("sh", "-c", "(setsid sh -c 'trap \"\" TERM HUP; echo $$; touch up;"
                                  " exec sleep 1000' &); until [ -e up ]; do :; done")
        pid = int(self.node.output().split()[0])
        self.assertFalse(is_alive(pid))

    def test_a_signal_is_passed_on_and_ends_nothing(self):
        self.node.launch("sh", "-c", "trap 'echo got; exit 5' USR1; echo ready;"
                                     " while :; do sleep 0.1; done")
        self.node.begin()
        until(lambda: self.node.output() == b"ready\n", "trap set")
        self.node.peer.kill(1, number=signal.SIGUSR1)
        report = self.node.peer.report(wire.STEP_ENDED)
        self.assertIn(b"got", self.node.output())
        self.assertEqual(report["ranks"][0]["exit_code"], 5)

    def test_a_job_killed_before_its_start_never_runs(self):
        self.node.launch("touch", "ran")
        self.node.peer.report(wire.STEP_READY)
        self.node.peer.kill(1)
        report = self.node.peer.report(wire.STEP_ENDED)
        self.assertEqual(report["reason"], "cancelled by test")
        self.assertFalse((self.node.work / "ran").exists())

    def test_a_kill_of_an_unknown_job_is_answered_as_ended(self):
        self.node.peer.kill(77)
        report = self.node.peer.report(wire.STEP_ENDED, 77)
        self.assertEqual(report["reason"], "not on this node")

    def test_a_second_launch_of_the_same_attempt_runs_nothing_twice(self):
        self.node.launch("sh", "-c", "echo once >> count")
        self.node.launch("sh", "-c", "echo once >> count")
        self.node.begin()
        self.node.peer.report(wire.STEP_ENDED)
        self.node.launch("sh", "-c", "echo once >> count")
        report = self.node.peer.report(wire.STEP_ENDED)
        self.assertEqual((self.node.work / "count").read_text(), "once\n")
        self.node.peer.forget(report)
        until(lambda: not self.node.step_dir().exists(), "forgotten")
        self.assertEqual(self.node.output(), b"")

    @unittest.skipUnless(os.getuid() == 0, "only root changes users")
    def test_a_root_agent_runs_a_job_as_its_user(self):
        nobody = 65534
        public = self.node.dir
        for folder in (public, self.node.work):
            folder.chmod(0o755)
        os.chown(self.node.work, nobody, nobody)
        message = self.node.launch_message(
            "sh", "-c", "id -u; id -g; touch mine; test -w $LOCKSTEP_STEP_SOCKET || "
                        "test -e $LOCKSTEP_STEP_SOCKET; echo $?",
            output="user-%t.log")
        self.node.peer.send("launch", {**message, "uid": nobody, "gid": nobody})
        self.node.begin()
        report = self.node.peer.report(wire.STEP_ENDED)
        self.assertEqual(report["ranks"][0]["exit_code"], 0, report)
        log = self.node.work / "user-0.log"
        self.assertEqual(log.read_text().split(), [str(nobody), str(nobody), "0"])
        self.assertEqual(log.stat().st_uid, nobody)
        self.assertEqual((self.node.work / "mine").stat().st_uid, nobody)
        self.assertEqual(self.logs(1), log.read_bytes())
        # A user who puts another file in its place gets no more than he may read.
        secret = self.node.dir / "secret"
        secret.write_text("secret")
        secret.chmod(0o600)
        log.unlink()
        log.symlink_to(secret)
        self.assertEqual(self.logs(2), b"")

    def logs(self, request):
        self.node.peer.send("logs", {"job": 1}, request)
        data = b""
        while True:
            _, name, body = self.node.peer.receive_body("log_chunk", "log_end")
            if name == "log_end":
                return data
            data += body["data"]


class TwoNodes(unittest.TestCase):
    def setUp(self):
        self.node = self.enterContext(Node("n0", "n1"))

    def tearDown(self):
        self.node.assert_nothing_left()

    def test_a_gang_runs_on_both_nodes(self):
        reports = self.node.run("sh", "-c", "echo $RANK $WORLD_SIZE $NODE_RANK "
                                "$MASTER_ADDR:$MASTER_PORT $SLURM_JOB_NODELIST",
                                ranks_per_node=2)
        self.assertEqual([report["reason"] for report in reports], ["", ""])
        lines = [self.node.output(rank=rank, name=f"n{rank // 2}").decode().split()
                 for rank in range(4)]
        self.assertEqual([line[:3] for line in lines],
                         [["0", "4", "0"], ["1", "4", "0"], ["2", "4", "1"],
                          ["3", "4", "1"]])
        self.assertEqual(len({line[3] for line in lines}), 1)
        self.assertEqual({line[4] for line in lines}, {"n[0-1]"})

    def test_a_failed_rank_ends_the_other_node_without_the_scheduler(self):
        self.node.launch("sh", "-c", "[ $RANK = 1 ] && exit 4;"
                                     " exec cat /dev/zero >/dev/null")
        self.node.begin()
        report = self.node.peers["n0"].report(wire.STEP_ENDED)
        self.assertEqual(report["reason"], "rank 1 on n1 exited with code 4")
        self.assertEqual(report["ranks"][0]["signal"], signal.SIGTERM)
        report = self.node.peers["n1"].report(wire.STEP_ENDED)
        self.assertEqual(report["reason"], "")
        self.assertEqual(report["ranks"][0]["exit_code"], 4)

    def test_a_killed_step_is_a_lost_node_for_the_other(self):
        for victim, other in (("n1", "n0"), ("n0", "n1")):
            with self.subTest(victim=victim):
                job = 10 + int(victim[1])
                self.node.launch("sh", "-c", "echo up; exec cat /dev/zero >/dev/null",
                                 job=job)
                self.node.begin(job)
                for rank, name in enumerate(("n0", "n1")):
                    until(lambda: self.node.output(job, rank, name=name) == b"up\n", "up")
                os.kill(self.node.step_pid(job, name=victim), signal.SIGKILL)
                report = self.node.peers[other].report(wire.STEP_ENDED, job)
                self.assertIn(f"node {victim} lost", report["reason"])
                report = self.node.peers[victim].report(wire.STEP_ENDED, job)
                self.assertEqual(report["reason"], "the step was killed")

    def test_a_stranger_without_the_key_is_not_let_in(self):
        self.node.launch("sh", "-c", "echo up; while [ ! -e go ]; do sleep 0.05; done")
        ready = self.node.begin()
        until(lambda: self.node.output(rank=1, name="n1") == b"up\n", "up")
        host, port, _ = ready[0]["address"].split(":")
        with wire.Connection((host, int(port))) as stranger:
            stranger.send("gang_hello", {"job": 1, "attempt": 1, "node": 1,
                                         "key": b"x" * 32})
            with self.assertRaises(wire.Closed):
                stranger.receive()
        with wire.Connection((host, int(port))) as stranger:
            stranger.send_bytes(os.urandom(4000))
            with self.assertRaises(wire.Closed):
                stranger.receive()
        (self.node.work / "go").touch()
        for name in self.node.names:
            report = self.node.peers[name].report(wire.STEP_ENDED)
            self.assertEqual((report["reason"], report["ranks"][0]["exit_code"]), ("", 0))


class LongPath(unittest.TestCase):
    def test_a_directory_too_long_for_a_socket_works(self):
        def deep(directory):
            return directory + "/" + "d" * 60 + "/" + "e" * 60

        with Node(directory=deep) as node:
            report = node.run("sh", "-c", "echo $LOCKSTEP_STEP_SOCKET")[0]
            self.assertEqual(report["ranks"][0]["exit_code"], 0)
            path = node.output().decode().strip()
            self.assertLess(len(path), 108)
            node.peer.forget(report)
            until(lambda: not os.path.exists(os.path.dirname(path)), "sockets removed")
            node.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
