"""docker-compose.yml and Dockerfile hold what they promise, judged without a container engine."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from logistics.config.devstack.commands import SERVICES, check_environment, service_command
from logistics.config.devstack.layout import ROOT
from tests.config import compose_file

FILLED = {name: f"value-of-{name.lower()}" for name in compose_file.required()}
APPLICATION = (*SERVICES, "migrate")


def test_the_file_follows_the_compose_specification() -> None:
    schema = json.loads((Path(__file__).parent / "data/compose_spec.json").read_text())
    problems = jsonschema.Draft201909Validator(schema).iter_errors(compose_file.read(FILLED))
    assert [problem.message for problem in problems] == []


@pytest.mark.parametrize("name", sorted(compose_file.required()))
def test_a_missing_secret_stops_the_start_with_a_sentence(name: str) -> None:
    with pytest.raises(compose_file.Missing, match=f"{name}: set it in .env"):
        compose_file.read({**FILLED, name: ""})


def test_no_secret_has_a_value_of_its_own() -> None:
    for name, value in FILLED.items():
        assert value in json.dumps(compose_file.read(FILLED)), name
    for line in (ROOT / "docker/env.example").read_text().splitlines():
        assert line.startswith("#") or not line or line.endswith("="), line


def test_the_example_lists_every_variable_of_the_file() -> None:
    listed = set(re.findall(r"^([A-Z_]+)=", (ROOT / "docker/env.example").read_text(), re.MULTILINE))
    assert listed | {"CARRYWELL_SSL_REDIRECT"} == compose_file.named()


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_runs_its_own_command_with_its_own_health_check(service: str) -> None:
    described = compose_file.read(FILLED)["services"][service]
    assert described["command"] == ["service", service]
    entry = ["python", "-m", "logistics.config.devstack"]
    assert described["healthcheck"]["test"] == ["CMD", *entry, "healthcheck", service]
    assert service_command(service, described["environment"])


@pytest.mark.parametrize("service", APPLICATION)
def test_each_service_is_given_all_that_production_asks_for(service: str) -> None:
    check_environment(compose_file.read(FILLED)["services"][service]["environment"])


@pytest.mark.parametrize("service", APPLICATION)
def test_no_service_has_powers_that_it_does_not_need(service: str) -> None:
    described = compose_file.read(FILLED)["services"][service]
    assert described["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in described["security_opt"]
    assert not {"privileged", "user", "network_mode", "pid", "volumes"} & set(described)


def test_only_the_migration_may_change_tables() -> None:
    for name in SERVICES:
        environment = compose_file.read(FILLED)["services"][name]["environment"]
        assert "cw_app" in environment["DATABASE_URL"]
        assert not {"DATABASE_OWNER_URL", "DATABASE_ADMIN_URL"} & set(environment)


def test_services_wait_for_the_migration_and_it_for_the_database() -> None:
    services = compose_file.read(FILLED)["services"]
    for name in SERVICES:
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert services["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"


def test_nothing_is_open_to_the_world_unless_asked() -> None:
    for name, described in compose_file.read(FILLED)["services"].items():
        for port in described.get("ports", []):
            assert port.startswith("127.0.0.1:"), name


def _dockerfile() -> list[str]:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_the_image_runs_as_an_ordinary_user_with_a_health_check() -> None:
    last_stage = _dockerfile()[max(n for n, line in enumerate(_dockerfile()) if line.startswith("FROM")) :]
    users = [line.split()[1] for line in last_stage if line.startswith("USER")]
    assert users
    assert not set(users) & {"root", "0"}
    assert any(line.startswith("HEALTHCHECK") for line in last_stage)
    entry = [line for line in last_stage if line.startswith("ENTRYPOINT")]
    assert entry == ['ENTRYPOINT ["python", "-m", "logistics.config.devstack"]']


def test_the_image_copies_only_what_exists_and_installs_by_hash() -> None:
    for line in _dockerfile():
        if line.startswith("COPY") and "--from" not in line:
            for source in line.split()[1:-1]:
                assert (ROOT / source).exists(), source
        for install in re.findall(r"pip install [^&]*", line):
            assert "--require-hashes" in install


def test_neither_secrets_nor_history_reach_the_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ".*" in ignored  # .env, .git, .run, .venv
    assert "tests" in ignored


def test_no_lock_file_names_a_registry() -> None:
    for path in (ROOT / "locks").glob("*.txt"):
        assert "://" not in path.read_text(), path.name
        pinned = [line for line in path.read_text().splitlines() if re.match(r"[A-Za-z0-9]", line)]
        assert pinned
        assert all("==" in line for line in pinned), path.name
