"""`make demo` itself: the whole application up, used, and down again."""

from __future__ import annotations

import http.client
import signal
import time
from pathlib import Path

import pytest

from logistics.config.devstack.layout import is_held
from logistics.config.devstack.postgres import free_port
from logistics.config.devstack.ready import listens
from tests.config.devstack_helpers import run_python, start_python

pytestmark = pytest.mark.timeout(300)


def test_the_demo_comes_up_serves_and_goes_down_twice(run_dir: Path) -> None:
    port, mllp_port = free_port(), free_port()
    for attempt in ("cold", "warm"):
        begun = time.monotonic()
        demo = start_python(
            run_dir, "-m", "logistics.config.devstack", "demo", PORT=str(port), MLLP_PORT=str(mllp_port)
        )
        said = ""
        try:
            assert demo.stdout
            while "Carrywell is ready at" not in said:
                line = demo.stdout.readline()
                assert line, said
                said += line
            print(f"{attempt} start: {time.monotonic() - begun:.1f} s")
            link = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            link.request("GET", "/")
            answer = link.getresponse()
            assert answer.status in (200, 302, 303)
            assert listens(mllp_port)
            asked = run_python(run_dir, "manage.py", "showmigrations", "--plan")
            assert asked.returncode == 0, asked.stdout
            assert "[ ]" not in asked.stdout
        finally:
            demo.send_signal(signal.SIGINT)
            rest, _ = demo.communicate(timeout=60)
        assert demo.returncode == 0, said + rest
        assert not listens(port)
        assert not is_held(run_dir / "demo")
