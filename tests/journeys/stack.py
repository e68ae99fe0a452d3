"""The product as it runs: web server, worker, relay and MLLP listener as processes on the test database."""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.request
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dj_database_url
from django.conf import settings
from django.db import connection
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from logistics.accounts.models import Membership
from logistics.config.devstack.commands import service_command, service_environment
from tests.cast import PASSWORD

ROOT = Path(__file__).resolve().parent.parent.parent
SECRET = base64.b32encode(b"a second factor 20 b").decode()


@dataclass
class Stack:
    """Running processes and how to reach them."""

    port: int
    mllp_port: int
    env: dict[str, str]
    children: dict[str, list[subprocess.Popen]] = field(default_factory=dict)
    logs: Path = ROOT / ".run" / "test-stack"

    @property
    def url(self) -> str:
        """Where the pages are."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, service: str) -> subprocess.Popen:
        """Start one more process of ``service``."""
        self.logs.mkdir(parents=True, exist_ok=True)
        env = service_environment(service, self.env)
        log = (self.logs / f"{service}-{self.port}.log").open("ab")
        child = subprocess.Popen(
            service_command(service, env), cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True
        )
        self.children.setdefault(service, []).append(child)
        return child

    def stop(self, service: str) -> None:
        """End every process of ``service`` that this stack started."""
        for child in self.children.pop(service, []):
            end(child)

    def kill(self, service: str) -> None:
        """``kill -9`` the first process of ``service``."""
        child = self.children[service].pop(0)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait(10)

    def wait_for_web(self, seconds: float = 40) -> None:
        """Until ``/healthz`` answers."""
        wait_until(lambda: _answers(f"{self.url}/healthz"), seconds, "the web server")

    def wait_for_mllp(self, seconds: float = 40) -> None:
        """Until the listener takes connections."""
        wait_until(lambda: connects(self.mllp_port), seconds, "the MLLP listener")


def new_stack() -> Stack:
    """A stack on the current test database and a Redis database of its own, nothing started."""
    database = connection.settings_dict
    url = dj_database_url.parse(os.environ["DATABASE_URL"])
    host = f"{url['HOST']}:{url['PORT']}"
    # Runs side by side on one server must not take each other's tasks.
    redis_database = 4 + zlib.crc32(str(database["NAME"]).encode()) % 12
    mllp_port = free_port()
    env = {
        **os.environ,
        "CARRYWELL_ENV": "test",
        "CARRYWELL_CELERY_EAGER": "false",
        "DATABASE_URL": f"postgresql://{database['USER']}:{database['PASSWORD']}@{host}/{database['NAME']}",
        "REDIS_URL": settings.REDIS_URL.rsplit("/", 1)[0] + f"/{redis_database}",
        "PORT": str(free_port()),
        "MLLP_PORT": str(mllp_port),
        "CARRYWELL_RUN_DIR": str(ROOT / ".run" / "test-stack"),
    }
    env.pop("DATABASE_OWNER_URL", None)
    return Stack(port=int(env["PORT"]), mllp_port=mllp_port, env=env)


@contextlib.contextmanager
def running(*services: str) -> Iterator[Stack]:
    """A stack with these services up; everything ends with the block."""
    stack = new_stack()
    try:
        for service in services:
            stack.start(service)
        if "web" in services:
            stack.wait_for_web()
        yield stack
    finally:
        for service in list(stack.children):
            stack.stop(service)


def end(child: subprocess.Popen) -> None:
    """Ask a process to end, then insist."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait(5)


def give_second_factor(membership: Membership) -> None:
    """The authenticator that :func:`code_now` speaks for."""
    TOTPDevice.objects.update_or_create(
        user=membership.user, name="journey", defaults={"key": base64.b32decode(SECRET).hex(), "confirmed": True}
    )


def code_now() -> str:
    """The six digits of this half minute."""
    return f"{totp(base64.b32decode(SECRET)):06d}"


def sign_in(page, stack: Stack, membership: Membership) -> None:
    """Sign in as a person does: address and password, then the code."""
    page.goto(f"{stack.url}/sign-in")
    page.get_by_label("Email").fill(membership.user.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: not url.partition("?")[0].endswith("/sign-in"))
    if "/sign-in/code" in page.url:
        page.get_by_label("code").fill(code_now())
        page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "sign-in" not in url)


def wait_until(condition, seconds: float, what: str) -> None:
    """Poll until true; fails naming ``what``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come within {seconds:g} s")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def connects(port: int) -> bool:
    """Whether somebody listens on this port of the loopback address."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
