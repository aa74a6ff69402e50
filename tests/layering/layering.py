#!/usr/bin/env python3
"""Includes point down only, and the policy core is pure.

Checks the sources of a tree against the table below (docs/ARCHITECTURE.md, "Layers"), and
with --library the symbols that the built policy core asks of others. Prints one line for
each violation, FILE:LINE: what; exits 1 when there is one.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys

# From the bottom up. A folder may include itself and every folder of a lower row.
ROWS = [
    ["common/util"],
    ["common/wire"],
    ["common/topology", "common/plan"],
    ["scheduler/policy", "common/fabric", "common/collective", "common/client"],
    ["scheduler/log", "agent/discover", "agent/proc"],
    ["scheduler/daemon", "scheduler/simulate", "scheduler/cli", "agent/daemon",
     "agent/step", "bench"],
]

# Within a row: a library may stand on its neighbour.
NEIGHBOURS = {
    "common/plan": ["common/topology"],
    "common/collective": ["common/fabric"],
    "common/client": ["common/collective", "common/fabric"],
}

# The public header of the library: what a training program includes, anyone may.
PUBLIC = {"common/client/lockstep.h"}

# The policy core has rules of its own: no I/O, no clock, nothing of the system.
PURE = "scheduler/policy"
PURE_HEADERS = {"common/util/check.h", "common/util/mem.h", "common/util/sm.h"}
PURE_SYSTEM = {"stdint.h", "stdbool.h", "stddef.h", "string.h"}
PURE_SYMBOLS = re.compile(
    r"ls_\w+|mem(cpy|move|set|cmp|chr)|str(n?len|n?cmp|n?cpy|r?chr|str)"
    r"|__\w*chk\w*|__stack_chk_\w+|_GLOBAL_OFFSET_TABLE_"
    r"|__(asan|ubsan|tsan|sanitizer|sancov)_\w+|__\w*_cov_\w+|__popcount\w*")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
TOP_FOLDERS = ("common", "scheduler", "agent", "bench")


def row_of(folder):
    for row, folders in enumerate(ROWS):
        if folder in folders:
            return row
    return None


def folder_of(path):
    """The folder of the table that a path belongs to, or None."""
    parts = pathlib.PurePosixPath(path).parts[:-1]
    for depth in range(len(parts), 0, -1):
        if row_of("/".join(parts[:depth])) is not None:
            return "/".join(parts[:depth])
    return None


def includes_of(path):
    """Yield (line number, is a system header, name)."""
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            name = match.group(2)
            ours = name.split("/")[0] in TOP_FOLDERS
            yield number, match.group(1) == "<" and not ours, name


def may_include(folder, name):
    target = folder_of(name)
    if name in PUBLIC or target == folder:
        return True
    if target is None:
        return False
    if row_of(target) < row_of(folder):
        return True
    return target in NEIGHBOURS.get(folder, [])


def check_file(path, name, folder):
    for number, is_system, header in includes_of(path):
        where = f"{name}:{number}"
        if folder == PURE and is_system and header not in PURE_SYSTEM:
            yield f"{where}: the policy core may not include <{header}>"
        if is_system:
            continue
        if not may_include(folder, header):
            yield f"{where}: {folder} may not include {header}"
        elif folder == PURE and folder_of(header) != PURE and header not in PURE_HEADERS:
            yield f"{where}: the policy core may not include {header}"


def check_pure_headers(root):
    """What the core includes must be as clean as the core."""
    for header in sorted(PURE_HEADERS):
        path = root / header
        if not path.exists():
            continue
        for number, is_system, name in includes_of(path):
            if name not in (PURE_SYSTEM if is_system else PURE_HEADERS):
                yield f"{header}:{number}: is for the policy core, may not include {name}"


def check_sources(root):
    for top in TOP_FOLDERS:
        for path in sorted((root / top).rglob("*")):
            if path.suffix not in (".c", ".h"):
                continue
            name = path.relative_to(root).as_posix()
            folder = folder_of(name)
            if folder is None:
                yield f"{name}: its folder is in no layer"
            else:
                yield from check_file(path, name, folder)
    yield from check_pure_headers(root)


def check_library(library):
    """The functions that the built core calls in others."""
    nm = os.environ.get("NM") or "nm"
    output = subprocess.run([nm, "-u", library], check=True, capture_output=True,
                            text=True).stdout
    symbols = {line.split()[-1] for line in output.splitlines() if " U " in f" {line} "}
    if not symbols:
        yield f"{library}: no symbols found"
    for symbol in sorted(symbols):
        if not PURE_SYMBOLS.fullmatch(symbol):
            yield f"{library}: the policy core may not call {symbol}()"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path, required=True)
    parser.add_argument("--library", help="the built policy core")
    options = parser.parse_args()

    violations = list(check_sources(options.root))
    if options.library:
        violations += check_library(options.library)
    for violation in violations:
        print(violation)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
