"""Command line of the stack.

python -m logistics.config.devstack demo                 everything, until Ctrl-C (make demo)
python -m logistics.config.devstack test [ARGUMENT …]    pytest beside services of its own (make test)
python -m logistics.config.devstack run -- COMMAND …     any command beside services of its own
python -m logistics.config.devstack reset                delete the demo's data
python -m logistics.config.devstack service NAME         become web, worker, beat, relay, mllp or migrate
python -m logistics.config.devstack healthcheck NAME     exit 0 when that service of this host does its work
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import FrameType

from logistics.config.devstack.commands import run_service, service_environment
from logistics.config.devstack.layout import ROOT, StackError
from logistics.config.devstack.processes import die_with_parent


def main(arguments: list[str]) -> int:
    """Run one of the commands above. Returns its exit code."""
    match arguments:
        case ["demo"]:
            from logistics.config.devstack.demo import Demo

            return Demo().run()
        case ["test", *rest]:
            return run_beside_services([sys.executable, "-m", "pytest", *rest], name="test")
        case ["run", "--", *command] if command:
            return run_beside_services(command, name="run")
        case ["reset"]:
            from logistics.config.devstack.services import reset

            for folder in reset("demo"):
                print(f"Deleted {folder}.")
            return 0
        case ["service", name]:
            run_service(name)
            return 1
        case ["healthcheck", name]:
            from logistics.config.devstack import ready

            return 0 if ready.check(name, os.environ) else 1
        case _:
            print(__doc__, file=sys.stderr)
            return 2


def run_beside_services(command: list[str], *, name: str) -> int:
    """Run `command` with the test settings beside disposable services. Returns its exit code."""
    from logistics.config.devstack.services import disposable_services

    child: subprocess.Popen[bytes] | None = None

    def pass_on(signum: int, _frame: FrameType | None) -> None:
        # Ctrl-C has reached the command itself already, which shares our terminal.
        if child is not None and signum != signal.SIGINT:
            child.send_signal(signum)

    services = disposable_services(name, what=f"A {name} run")
    try:
        env = {**os.environ, **services.start()}
        env["CARRYWELL_ENV"] = os.environ.get("CARRYWELL_ENV") or "test"
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, pass_on)
        child = subprocess.Popen(
            command, cwd=ROOT, env=service_environment(name, env), preexec_fn=die_with_parent(signal.SIGTERM)
        )
        code = child.wait()
        return code if code >= 0 else 128 - code
    finally:
        services.stop()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except StackError as problem:
        print(problem, file=sys.stderr)
        sys.exit(1)
