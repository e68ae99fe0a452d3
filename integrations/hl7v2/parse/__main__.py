"""`python -m integrations.hl7v2.parse FILE...`: the facts of each file, one JSON object per line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from . import facts, parse, split_batch

USAGE = "usage: python -m integrations.hl7v2.parse [--split] FILE...\n"


def main(arguments: list[str]) -> int:
    """Print facts for each file; `--split` opens batches first. Exit status 2 when a file cannot be read."""
    split = "--split" in arguments
    paths = [argument for argument in arguments if argument != "--split"]
    if not paths:
        sys.stderr.write(USAGE)
        return 2
    status = 0
    for path in paths:
        try:
            raw = Path(path).read_bytes()
        except OSError as error:
            sys.stderr.write(f"{path}: {error.strerror}\n")
            status = 2
            continue
        for one in split_batch(raw) if split else [raw]:
            sys.stdout.write(json.dumps(facts(parse(one)), ensure_ascii=False) + "\n")
    return status


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # a terminal's locale may hold less
    sys.exit(main(sys.argv[1:]))
