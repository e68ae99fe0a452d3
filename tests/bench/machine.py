"""Processor time of running processes, which others' work on the same machine changes far less than the wall clock."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

from tests.journeys.stack import Stack


def processor_seconds(stack: Stack) -> dict[str, float]:
    """Per service of the stack what its processes have used so far, their children included (Linux; else empty)."""
    used: dict[int, float] = {}
    children: dict[int, list[int]] = defaultdict(list)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The name in parentheses may hold anything; what follows it is numbers.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # ended meanwhile
        pid = int(folder.name)
        children[int(fields[1])].append(pid)
        used[pid] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    found = {}
    for service, processes in stack.children.items():
        waiting = [process.pid for process in processes]
        if not any(pid in used for pid in waiting):
            continue
        found[service] = 0.0
        while waiting:
            pid = waiting.pop()
            found[service] += used.get(pid, 0.0)
            waiting += children[pid]
    return found
