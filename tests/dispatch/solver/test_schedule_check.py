"""The exact check of an order of stops."""

from __future__ import annotations

import importlib.util
import math
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.solver.problem import BREAK, DROPOFF, PICKUP
from dispatch.solver.schedule import Conflict, Duty, Schedule, Visit, driving_minutes, schedule, soften

SHARED = Path(__file__).resolve().parents[4] / "shared"


class Line:
    """Places on a line: place i is at kilometer i, a kilometer takes a minute."""

    def arrive(self, i: int, j: int, depart: float) -> float:
        return depart + abs(i - j)


def up(job: str, place: int, earliest: float = 0, latest: float = 1e4, **rest) -> Visit:
    return Visit(job, PICKUP, place, earliest, latest, rest.pop("service", 0.0), rest.pop("load", (1, 0, 0)), **rest)


def down(job: str, place: int, earliest: float = 0, latest: float = 1e4, **rest) -> Visit:
    return Visit(job, DROPOFF, place, earliest, latest, rest.pop("service", 0.0), rest.pop("load", (1, 0, 0)), **rest)


DAY = Duty(0, 0.0, 1e4, (4, 1, 1))


def test_a_pickup_waits_until_the_ride_is_short_enough():
    # Earliest start would put the patient aboard at 10 and hold him until the door opens at 100.
    route = [up("a", 10, max_ride=30.0), down("a", 20, earliest=100)]
    found = schedule(route, DAY, Line())
    assert isinstance(found, Schedule)
    assert found.starts == (70.0, 100.0)


def test_a_pickup_that_cannot_wait_is_a_ride_conflict():
    route = [up("a", 10, latest=60, max_ride=30.0), down("a", 20, earliest=100)]
    assert schedule(route, DAY, Line()) == Conflict("ride", 1, 10.0)


def test_a_late_arrival_says_by_how_much():
    assert schedule([up("a", 10, latest=4), down("a", 20)], DAY, Line()) == Conflict("late", 0, 6.0)


def test_the_way_home_counts_against_the_shift():
    route = [up("a", 10), down("a", 20)]
    assert isinstance(schedule(route, Duty(0, 0.0, 20.0, (1, 0, 0)), Line()), Schedule)
    assert schedule(route, Duty(0, 0.0, 20.0, (1, 0, 0), end_place=0), Line()) == Conflict("shift", 2, 20.0)


def test_a_short_duty_leaves_late_instead_of_failing():
    route = [up("a", 10, earliest=200), down("a", 20)]
    found = schedule(route, Duty(0, 0.0, 1e4, (1, 0, 0), 0, max_minutes=50.0), Line())
    assert isinstance(found, Schedule)
    assert found.leaves_at == pytest.approx(180.0)
    assert schedule(route, Duty(0, 0.0, 1e4, (1, 0, 0), 0, max_minutes=39.0), Line()).code == "duty"


def test_a_second_stretcher_does_not_fit():
    load = (0, 0, 1)
    both = [up("a", 1, load=load), up("b", 2, load=load), down("a", 3, load=load), down("b", 4, load=load)]
    assert schedule(both, DAY, Line()) == Conflict("capacity", 1)
    assert isinstance(schedule([both[0], both[2], both[1], both[3]], DAY, Line()), Schedule)


def test_a_patient_in_isolation_shares_with_nobody():
    route = [up("a", 1, alone=True), up("b", 2), down("a", 3, alone=True), down("b", 4)]
    assert schedule(route, DAY, Line()) == Conflict("alone", 1)


def test_a_passenger_already_aboard_takes_a_place():
    route = [up("b", 1, load=(4, 0, 0)), down("a", 2), down("b", 3, load=(4, 0, 0))]
    assert schedule(route, DAY, Line()) == Conflict("capacity", 0)


@pytest.mark.parametrize("route", [[down("a", 1), up("a", 2)], [up("a", 1)]])
def test_a_drop_off_follows_its_pickup(route):
    assert schedule(route, DAY, Line()).code == "order"


def test_a_break_takes_its_time_between_two_rides():
    pause = Visit("pause", BREAK, 20, 50, 60, 30)
    route = [up("a", 10), down("a", 20), pause, up("b", 25), down("b", 30)]
    found = schedule(route, DAY, Line())
    assert isinstance(found, Schedule)
    assert found.starts == (10, 20, 50, 85, 90)
    assert driving_minutes(route, DAY, Line(), found) == 30


def test_no_break_is_taken_with_a_passenger_on_board():
    pause = Visit("pause", BREAK, 10, 0, 900, 30)
    assert schedule([up("a", 10), pause, down("a", 20)], DAY, Line()) == Conflict("break", 1)


def test_a_plan_that_runs_late_is_held_where_it_stands():
    route = [up("a", 10, latest=4), down("a", 20, latest=15)]
    held, duty, conflict = soften(route, DAY, Line())
    assert conflict is None
    assert duty == DAY
    assert [visit.latest for visit in held] == pytest.approx([10, 20], abs=1e-4)


def test_a_plan_that_overloads_the_vehicle_cannot_be_held():
    load = (9, 0, 0)
    _, _, conflict = soften([up("a", 1, load=load), down("a", 2, load=load)], DAY, Line())
    assert conflict == Conflict("capacity", 0)


times = st.integers(0, 60)


@st.composite
def small_routes(draw):
    jobs = [f"j{i}" for i in range(draw(st.integers(1, 3)))]
    order = draw(st.permutations([(job, kind) for job in jobs for kind in (PICKUP, DROPOFF)]))
    visits = []
    for job, kind in order:
        earliest = draw(times)
        window = (earliest, earliest + draw(times))
        ride = float(draw(st.integers(5, 60))) if kind == PICKUP else math.inf
        visits.append(Visit(job, kind, draw(st.integers(0, 12)), *window, draw(st.integers(0, 8)), max_ride=ride))
    return visits


@settings(max_examples=300, deadline=None)
@given(small_routes(), st.integers(20, 120), st.one_of(st.none(), st.integers(10, 90)))
def test_the_check_agrees_with_shortest_paths_over_difference_constraints(visits, end, most):
    duty = Duty(0, 0.0, float(end), (9, 9, 9), 0, math.inf if most is None else float(most))
    found = schedule(visits, duty, Line())
    position = {(v.job_id, v.kind): i for i, v in enumerate(visits)}
    ordered = all(position[v.job_id, PICKUP] < position[v.job_id, DROPOFF] for v in visits)
    assert isinstance(found, Schedule) == (ordered and _has_potential(visits, duty))


def _has_potential(visits: list[Visit], duty: Duty) -> bool:
    """Bellman-Ford on B_j >= B_i + c; nodes are 0 (time zero), 1 (leave), visits, and the end."""
    count, last = len(visits), len(visits) + 2
    arcs = [(0, 1, duty.start_at), (last, 0, -duty.end_at), (last, 1, -duty.max_minutes)]
    places = [0, *(v.place for v in visits), 0]
    service = [0.0, *(v.service for v in visits)]
    for k in range(count + 1):
        arcs.append((k + 1, k + 2, service[k] + abs(places[k] - places[k + 1])))
    for k, visit in enumerate(visits):
        arcs += [(0, k + 2, visit.earliest), (k + 2, 0, -visit.latest)]
        if visit.kind == PICKUP:
            mate = next(i for i, v in enumerate(visits) if v.job_id == visit.job_id and v.kind == DROPOFF)
            arcs.append((mate + 2, k + 2, -(visit.max_ride + visit.service)))
    best = [0.0] * (last + 1)
    for _ in range(last + 1):
        changed = False
        for i, j, c in arcs:
            if best[i] + c > best[j] + 1e-9:
                best[j], changed = best[i] + c, True
        if not changed:
            return True
    return False


def test_public_dial_a_ride_instances_are_judged_as_by_their_checker():
    tool, folder = SHARED / "tools" / "check_darp.py", SHARED / "data" / "darp" / "darp_cordeau_ab"
    if not tool.exists() or not folder.exists():
        print("skipped: the public dial-a-ride instances are not beside the repository")
        pytest.skip("public instances absent")
    spec = importlib.util.spec_from_file_location("check_darp", tool)
    darp = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(darp)
    rng, verdicts = random.Random(7), {True: 0, False: 0}
    for path in sorted(folder.glob("*.txt"))[:6]:
        instance = darp.load(str(path))

        class Plane:
            def arrive(self, i, j, depart, travel=instance.t):
                return depart + travel(i, j)

        for _ in range(400):
            route = _random_route(rng, instance)
            visits = [_visit(instance, node) for node in route]
            car = instance.veh[0]
            duty = Duty(car["start"], car["e"], car["l"], (int(car["cap"][0]), 0, 0), car["end"], car["T"])
            ours = isinstance(schedule(visits, duty, Plane()), Schedule)
            result = darp.check(instance, {"routes": [route]})
            theirs = not [words for words in result["violations"] if "not served" not in words]
            assert ours == theirs, (path.name, route, result["violations"])
            verdicts[ours] += 1
    assert min(verdicts.values()) > 50, verdicts


def _random_route(rng: random.Random, instance) -> list[int]:
    """A few requests put together mostly by time, so that both verdicts are common."""
    chosen = rng.sample(sorted(instance.pair), rng.randint(1, 3))
    route: list[int] = []
    for node in sorted(chosen, key=lambda p: max(instance.e[p], instance.e[instance.pair[p]])):
        at = len(route) if rng.random() < 0.7 else rng.randint(0, len(route))
        route.insert(at, node)
        route.insert(rng.randint(at + 1, len(route)), instance.pair[node])
    return route


def _visit(instance, node: int) -> Visit:
    load = (int(abs(instance.d[node][0])), 0, 0)
    if node in instance.pair:
        window = (instance.e[node], instance.l[node], instance.s[node])
        return Visit(str(node), PICKUP, node, *window, load, instance.L[node])
    pickup = next(p for p, d in instance.pair.items() if d == node)
    return Visit(str(pickup), DROPOFF, node, instance.e[node], instance.l[node], instance.s[node], load)
