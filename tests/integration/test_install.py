#!/usr/bin/env python3
"""What `cmake --install` puts down is enough to build and run a program elsewhere: by
pkg-config and by CMake's find_package."""

import os
import pathlib
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("LOCKSTEP_BIN", SOURCE / "build/bin")).parent
PROGRAM = r"""
#include <lockstep.h>
#include <stdio.h>
int main(void)
{
    lockstep_comm *comm;
    float x = 3;
    if (lockstep_init(&comm) != LOCKSTEP_OK ||
        lockstep_allreduce(comm, &x, &x, 1, LOCKSTEP_FLOAT32, LOCKSTEP_SUM) != LOCKSTEP_OK)
        return 1;
    printf("%g\n", x);
    return lockstep_finalize(comm) != LOCKSTEP_OK;
}
"""
PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES C)
find_package(lockstep 0.1 REQUIRED)
add_executable(user user.c)
target_link_libraries(user lockstep::lockstep)
"""


def run(*words, **more):
    done = subprocess.run(list(map(str, words)), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120, **more)
    assert done.returncode == 0, f"{words}: {done.stdout}"
    return done.stdout


class Install(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.prefix = self.dir / "prefix"
        run("cmake", "--install", BUILD, "--prefix", self.prefix)
        (self.dir / "user.c").write_text(PROGRAM)
        self.lib = next(self.prefix.glob("lib*/**/liblockstep.so")).parent

    def assert_runs(self, program):
        env = {**os.environ, "LD_LIBRARY_PATH": str(self.lib)}
        self.assertEqual(run(program, env=env), "3\n")

    def test_by_pkg_config(self):
        env = {**os.environ, "PKG_CONFIG_PATH": str(self.lib / "pkgconfig")}
        flags = run("pkg-config", "--cflags", "--libs", f"--define-variable=prefix={self.prefix}",
                    "lockstep", env=env).split()
        run("cc", self.dir / "user.c", "-o", self.dir / "user", *flags)
        self.assert_runs(self.dir / "user")

    def test_by_find_package(self):
        (self.dir / "CMakeLists.txt").write_text(PROJECT)
        run("cmake", "-S", self.dir, "-B", self.dir / "b",
            f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run("cmake", "--build", self.dir / "b")
        self.assert_runs(self.dir / "b/user")

    def test_the_programs_are_there(self):
        for name in ("lockstep", "lockstep-scheduler", "lockstep-agent", "lockstep-step",
                     "lockstep-bench", "lockstep-train"):
            self.assertTrue((self.prefix / "bin" / name).exists(), name)
        self.assertTrue((self.prefix / "share/lockstep/topologies/hgx-h100.xml").exists())


if __name__ == "__main__":
    unittest.main()
