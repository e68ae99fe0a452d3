"""The commands that make up a running Carrywell, taken from here by the laptop and the container image."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from logistics.config.devstack.layout import StackError

# What a service cannot run without. Development settings bring their own keys, production ones must be given.
_ALWAYS = ("DATABASE_URL", "REDIS_URL")
_IN_PRODUCTION = ("CARRYWELL_SECRET_KEY", "CARRYWELL_FIELD_KEYS", "CARRYWELL_HOSTS")

SERVICES = ("web", "worker", "beat", "relay", "mllp")


def settings_module(env: Mapping[str, str]) -> str:
    """The settings that `CARRYWELL_ENV` (dev, test or prod; dev when unset) stands for."""
    name = env.get("CARRYWELL_ENV") or "dev"
    if name not in ("dev", "test", "prod"):
        raise StackError(f"CARRYWELL_ENV is {name!r}. Set it to dev, test or prod.")
    return f"logistics.config.settings.{name}"


def session_name(service: str) -> str:
    """How this host's `service` names itself in its database sessions (libpq's application_name)."""
    return f"carrywell-{service}@{socket.gethostname()}"[:63]


def service_environment(service: str, env: Mapping[str, str]) -> dict[str, str]:
    """`env`, completed with what every Carrywell process is given."""
    return {
        **env,
        "DJANGO_SETTINGS_MODULE": settings_module(env),
        "PGAPPNAME": session_name(service),
        "PYTHONUNBUFFERED": "1",
    }


def service_command(service: str, env: Mapping[str, str]) -> list[str]:
    """The command line of a service, to be run in the project's folder. `StackError` if there is none."""
    python = sys.executable
    manage = [python, "manage.py"]
    beat_file = str(Path(env.get("CARRYWELL_RUN_DIR") or ".run") / "beat")
    commands = {
        "web": [
            python, "-m", "uvicorn", "logistics.config.asgi:application",
            "--host", env.get("CARRYWELL_BIND") or "127.0.0.1", "--port", env.get("PORT") or "8000",
            "--workers", "1", "--no-access-log",
            # A live page holds its connection open for ever; without a limit, stopping would wait for it.
            "--timeout-graceful-shutdown", "3",
        ],
        "worker": [
            python, "-m", "celery", "-A", "logistics", "worker",
            "-Q", "adt,match,default", "-c", "2", "-l", "warning", "-n", "worker@%h",
        ],
        "beat": [
            python, "-m", "celery", "-A", "logistics", "beat", "-s", beat_file, "-l", "warning", "--pidfile=",
        ],
        "relay": [*manage, "run_relay"],
        "mllp": [*manage, "run_mllp"],
        "simulator": [*manage, "simulate_ehr", "--live"],
    }  # fmt: skip
    if service not in commands:
        raise StackError(f"There is no service {service!r}. The services are: {', '.join(SERVICES)}.")
    return commands[service]


def check_environment(env: Mapping[str, str]) -> None:
    """Refuse (`StackError`) to run a service that lacks what it needs from its environment."""
    wanted = _ALWAYS + (_IN_PRODUCTION if settings_module(env).endswith(".prod") else ())
    missing = [name for name in wanted if not env.get(name)]
    if missing:
        raise StackError(f"{', '.join(missing)} must be set. docs/operations.md lists every setting.")


def run_service(service: str) -> None:
    """Become the service (exec); does not return. Nothing embedded is started for it."""
    if service == "migrate":
        _become_migrate()
    command = service_command(service, os.environ)
    check_environment(os.environ)
    os.execve(command[0], command, service_environment(service, os.environ))


def _become_migrate() -> None:
    """Create roles and database where missing (given DATABASE_ADMIN_URL), then become `manage.py migrate`."""
    from urllib.parse import unquote, urlsplit

    check_environment(os.environ)
    env = service_environment("migrate", os.environ)
    if not env.get("DATABASE_OWNER_URL"):
        raise StackError("DATABASE_OWNER_URL must be set to migrate: the application's own role may not change tables.")
    if admin_url := env.pop("DATABASE_ADMIN_URL", ""):
        from logistics.core.roles import bootstrap

        owner, app = urlsplit(env["DATABASE_OWNER_URL"]), urlsplit(env["DATABASE_URL"])
        bootstrap(
            admin_url,
            database=owner.path.lstrip("/"),
            owner_password=unquote(owner.password or ""),
            app_password=unquote(app.password or ""),
            createdb=False,
        )
    os.execve(sys.executable, [sys.executable, "manage.py", "migrate", "--no-input"], env)
