#!/usr/bin/env python3
"""bench/train/summary.py - set two results of lockstep-train side by side.

usage: summary.py PARALLEL.json SINGLE.json      (files written by lockstep-train --json)
"""
import json
import sys


def row(label, parallel, single):
    print(f"  {label:<26} {parallel:>18} {single:>18}")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    try:
        parallel, single = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:])
    except (OSError, ValueError) as error:
        sys.exit(f"summary.py: {error}")
    step, alone = parallel["step_ms"], single["step_ms"]
    exchange = parallel["exchange"]

    row("", f"{parallel['ranks']} ranks, {parallel['nodes']} nodes", "1 process")
    row("test accuracy", f"{100 * parallel['accuracy']:.2f} %",
        f"{100 * single['accuracy']:.2f} %")
    row("images a second", f"{parallel['images_per_s']:.0f}", f"{single['images_per_s']:.0f}")
    row("step", f"{step['total']:.2f} ms", f"{alone['total']:.2f} ms")
    row("  of it compute", f"{step['compute']:.2f} ms", f"{alone['compute']:.2f} ms")
    row("  of it exchange", f"{step['exchange']:.2f} ms", "-")
    row("all-reduce bus bandwidth", f"{exchange['busbw_alone']:.2f} GB/s", "-")
    if exchange["busbw_limit"] > 0:
        share = 100 * exchange["busbw_alone"] / exchange["busbw_limit"]
        row(f"  the {exchange['limit']} limit", f"{exchange['busbw_limit']:.2f} GB/s", "-")
        row("  share of the limit", f"{share:.0f} %", "-")
    print()
    print("  rank  node  GPU  NIC      cores")
    for place in parallel["placement"]:
        print(f"  {place['rank']:>4}  {place['node']:<4}  {place['gpus'] or '-':<3}  "
              f"{place['nic'] or '-':<7}  {place['cores'] or '-'}")


if __name__ == "__main__":
    main()
