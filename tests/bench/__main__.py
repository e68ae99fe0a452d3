"""Measure, print a table, write ``bench.json``. ``make bench``, or ``make bench BENCH="--only board race"``."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time

# The order of running: what must not be disturbed first.
AREAS = {
    "parse": "reading HL7 v2 messages against hl7apy",
    "mllp": "messages stored before they are answered",
    "pipeline": "from a message to the drafted ride",
    "screen": "from a sent offer to the vendor's page",
    "board": "the case manager's board",
    "booking": "finding a patient and previewing a ride beside a million past rides",
    "matching": "thirty open trips decided at once",
    "race": "ten vendors that accept in the same moment",
}


def main(arguments: list[str]) -> int:
    """Run the areas asked for. Returns 0 when every one of them ran, whatever its figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=AREAS, metavar="NAME", default=list(AREAS), help=", ".join(AREAS))
    wanted = parser.parse_args(arguments).only
    if not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
        print("There is no database to measure. Run `make bench`, which starts one.", file=sys.stderr)
        return 2

    from tests.bench import server, table

    began = time.monotonic()
    rows: list[table.Row] = []
    failed: list[str] = []
    with server.durable_services(), server.bench_database():
        print(server.settings_line())
        print(f"{os.cpu_count()} processors\n", flush=True)
        # Others' work on the same processors makes every wall-clock figure worse, so it stands beside them.
        rows += [table.row("machine: load before", os.getloadavg()[0], "processes")]
        for name in AREAS:
            if name not in wanted:
                continue
            print(f"{name}: {AREAS[name]} ...", flush=True)
            try:
                rows += importlib.import_module(f"tests.bench.{name}").rows()
            except Exception as error:
                # One area that cannot run must not cost the figures of the others.
                failed.append(name)
                print(f"{name} failed: {type(error).__name__}: {error}", file=sys.stderr)
            server.forget_events()
        rows += [table.row("machine: load after", os.getloadavg()[0], "processes")]
    if len(wanted) > len(failed):
        print("\n" + table.show(rows))
        path = server.result_file()
        table.write(rows, path)
        barred = [row for row in rows if row.holds is not None]
        print(f"\n{sum(bool(row.holds) for row in barred)} of {len(barred)} bars hold. Written to {path}.")
    print(f"{time.monotonic() - began:.0f} s in all.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
