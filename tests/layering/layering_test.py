#!/usr/bin/env python3
"""Does layering.py notice? Made-up trees, each with one violation or none."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECKER = pathlib.Path(__file__).with_name("layering.py")


class LayeringTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)

    def write(self, name, *lines):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")

    def check(self, *options):
        return subprocess.run(
            [sys.executable, CHECKER, "--root", self.root, *options],
            capture_output=True, text=True, check=False)

    def assert_clean(self):
        result = self.check()
        self.assertEqual((result.stdout, result.stderr, result.returncode), ("", "", 0))

    def assert_violation(self, text):
        result = self.check()
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stdout, text + "\n")

    def test_includes_that_point_down_are_fine(self):
        self.write("scheduler/policy/a.c", "#include <stdint.h>", "#include <string.h>",
                   '#include "scheduler/policy/a.h"', '#include "common/util/check.h"')
        self.write("scheduler/daemon/b.c", "#include <uv.h>",
                   '#include "scheduler/policy/policy.h"', '#include "common/wire/frame.h"',
                   '#include "common/client/lockstep.h"')
        self.write("common/client/c.c", '#include "common/collective/comm.h"')
        self.write("bench/train/d.c", '#include "bench/machine/e.h"')
        self.assert_clean()

    def test_the_core_may_not_include_the_system(self):
        self.write("scheduler/policy/a.c", "#include <stdint.h>", "#  include <time.h>")
        self.assert_violation(
            "scheduler/policy/a.c:2: the policy core may not include <time.h>")

    def test_the_core_may_not_include_most_of_util(self):
        self.write("scheduler/policy/a.h", '#include "common/util/log.h"')
        self.assert_violation(
            "scheduler/policy/a.h:1: the policy core may not include common/util/log.h")

    def test_what_the_core_includes_may_not_include_the_system(self):
        self.write("common/util/check.h", "#include <stdio.h>")
        self.assert_violation("common/util/check.h:1: is for the policy core, "
                              "may not include stdio.h")

    def test_includes_may_not_point_up(self):
        self.write("common/wire/a.c", "", '#include "scheduler/daemon/server.h"')
        self.assert_violation(
            "common/wire/a.c:2: common/wire may not include scheduler/daemon/server.h")

    def test_includes_may_not_point_sideways(self):
        self.write("agent/step/a.c", '#include "scheduler/daemon/server.h"')
        self.assert_violation(
            "agent/step/a.c:1: agent/step may not include scheduler/daemon/server.h")

    def test_a_public_header_does_not_open_its_folder(self):
        self.write("common/collective/a.c", '#include "common/client/lockstep.h"',
                   '#include "common/client/handle.h"')
        self.assert_violation("common/collective/a.c:2: common/collective may not include "
                              "common/client/handle.h")

    def test_a_path_outside_the_table_is_no_way_around_it(self):
        self.write("common/wire/a.c", '#include "../../scheduler/daemon/server.h"')
        self.assert_violation("common/wire/a.c:1: common/wire may not include "
                              "../../scheduler/daemon/server.h")

    def test_brackets_are_no_way_around_it(self):
        self.write("common/wire/a.c", "#include <agent/proc/spawn.h>")
        self.assert_violation(
            "common/wire/a.c:1: common/wire may not include agent/proc/spawn.h")

    def test_a_new_folder_must_be_given_its_layer(self):
        self.write("scheduler/magic/a.c", "int magic;")
        self.assert_violation("scheduler/magic/a.c: its folder is in no layer")

    def test_a_core_that_calls_the_system_is_found_in_its_library(self):
        self.write("a.c", "extern long time(long *);", "extern unsigned long strlen(const "
                   "char *);", "long f(const char *s) { return time(0) + "
                   "(long)strlen(s); }")
        subprocess.run(["cc", "-c", self.root / "a.c", "-o", self.root / "a.o"],
                       check=True)
        result = self.check("--library", self.root / "a.o")
        self.assertEqual(result.returncode, 1)
        self.assertIn("the policy core may not call time()", result.stdout)
        self.assertNotIn("strlen", result.stdout)


if __name__ == "__main__":
    unittest.main()
