"""How long a decision takes. Run with ``pytest -m bench -s``."""

from __future__ import annotations

import time

import pytest
from solver_city import city

from dispatch.solver.insert import candidates
from dispatch.solver.solve import solve
from dispatch.solver.world import World

pytestmark = pytest.mark.bench


@pytest.mark.parametrize("planned", [0, 2])
def test_thirty_open_jobs_are_matched_within_a_second_of_processor_time(planned):
    spent = []
    for seed in range(5):
        problem = city(seed, 30, 5, 40, planned)
        began = time.process_time()
        result = solve(problem)
        spent.append(time.process_time() - began)
        answer = result.allocation
        print(f"seed {seed}: {spent[-1]:.2f} s {answer.status}, gap {answer.gap:.4f}, {len(answer.unserved)} left out")
    assert sorted(spent)[len(spent) // 2] < 1.0


def test_one_more_trip_is_screened_against_three_hundred_vehicles_in_fifty_milliseconds():
    problem = city(1, 20, 5, 300, 4)
    world = World(problem)
    spent = []
    for job in problem.jobs:
        began = time.process_time()
        candidates(problem, job, world)
        spent.append(1000 * (time.process_time() - began))
    spent.sort()
    print(f"p50 {spent[10]:.1f} ms, max {spent[-1]:.1f} ms")
    assert spent[10] < 50
