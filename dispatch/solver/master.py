"""The vendor decision over given loads: relaxed with GLOP for prices, whole with CP-SAT for the answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dispatch.solver.columns import Column, Prices
from dispatch.solver.feasible import asked_hour, hour_capacity
from dispatch.solver.table import Choice, Table

if TYPE_CHECKING:
    # Loading CP-SAT takes more than a second (it brings pandas): only what solves pays for it, not every process.
    from ortools.linear_solver import pywraplp
    from ortools.sat.python import cp_model


def hours_of(table: Table, column: Column) -> dict[tuple[str, int], int]:
    """Units of vendor capacity that a load uses, by (vendor, horizon hour)."""
    used: dict[tuple[str, int], int] = defaultdict(int)
    for option in column.options:
        used[column.vendor_id, asked_hour(table.jobs[option.candidate.job_id])] += 1
    return used


class Relaxed:
    """The relaxed decision: parts of loads may be taken. Loads are added as they are found."""

    def __init__(self, table: Table) -> None:
        self.table = table
        from ortools.linear_solver import pywraplp

        self._optimal = pywraplp.Solver.OPTIMAL
        self._solver = pywraplp.Solver.CreateSolver("GLOP")
        self._rows: dict[str, pywraplp.Constraint] = {}
        self._vehicles: dict[str, pywraplp.Constraint] = {}
        self._hours: dict[tuple[str, int], pywraplp.Constraint] = {}
        self._keys: set[tuple[str, str, tuple[str, ...]]] = set()
        infinity = self._solver.infinity()
        self._left_out: dict[str, pywraplp.Variable] = {}
        self._units = self._solver.Constraint(0, infinity)
        self.least_left_out = 0
        for job_id in table.penalty:
            row = self._rows[job_id] = self._solver.Constraint(1, infinity)
            left_out = self._left_out[job_id] = self._solver.NumVar(0, infinity, f"left-out/{job_id}")
            row.SetCoefficient(left_out, 1)
            self._units.SetCoefficient(left_out, table.jobs[job_id].priority)
        self._solver.Objective().SetMinimization()

    def charge_left_out(self, cents: Mapping[str, int]) -> None:
        """What leaving each job out costs from now on."""
        for job_id, variable in self._left_out.items():
            self._solver.Objective().SetCoefficient(variable, cents[job_id])

    def leave_out(self, units: int) -> None:
        """Require that jobs worth at least so many units of priority are left out."""
        self.least_left_out = units
        self._units.SetLb(units)

    def add(self, column: Column) -> bool:
        """Add a load; False when it is there already."""
        if column.key in self._keys:
            return False
        self._keys.add(column.key)
        infinity = self._solver.infinity()
        variable = self._solver.NumVar(0, infinity, "")
        self._solver.Objective().SetCoefficient(variable, column.cents)
        for option in column.options:
            self._rows[option.candidate.job_id].SetCoefficient(variable, 1)
        if column.vehicle_id:
            if column.vehicle_id not in self._vehicles:
                self._vehicles[column.vehicle_id] = self._solver.Constraint(-infinity, 1)
            self._vehicles[column.vehicle_id].SetCoefficient(variable, 1)
        for (vendor_id, hour), units in hours_of(self.table, column).items():
            room = hour_capacity(self.table.world.vendors[vendor_id], hour)
            if room is None:
                continue
            if (vendor_id, hour) not in self._hours:
                self._hours[vendor_id, hour] = self._solver.Constraint(-infinity, room)
            self._hours[vendor_id, hour].SetCoefficient(variable, units)
        return True

    def solve(self) -> tuple[float, Prices, dict[str, float]] | None:
        """Objective in cents, prices, and what the use of each vehicle is worth; None if it failed."""
        if self._solver.Solve() != self._optimal:
            return None
        # A price of the wrong sign is a rounding error of the simplex; the bound needs the true sign.
        job = {job_id: max(0.0, row.dual_value()) for job_id, row in self._rows.items()}
        hour = {key: min(0.0, row.dual_value()) for key, row in self._hours.items()}
        vehicle = {key: max(0.0, -row.dual_value()) for key, row in self._vehicles.items()}
        left_out = max(0.0, self._units.dual_value())
        return self._solver.Objective().Value(), Prices(job, hour, left_out), vehicle

    def fixed_value(self, prices: Prices) -> float:
        """What the prices are worth over all rows but those of vehicles: where the bound starts."""
        total = sum(prices.job.values()) + self.least_left_out * prices.left_out
        for (vendor_id, hour), price in prices.hour.items():
            total += price * (hour_capacity(self.table.world.vendors[vendor_id], hour) or 0)
        return total


def choose(
    table: Table, columns: list[Column], hint: Choice, seed: int, wall_seconds: float, work_seconds: float
) -> tuple[Choice | None, int, bool, float]:
    """The best whole choice among loads, by CP-SAT with one worker.

    Returns
    -------
    tuple
        The choice (None if none was found in time), its bound over these loads in cents, whether it is
        proved best among them, and the deterministic seconds it took.
    """
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    covers: dict[str, list[cp_model.IntVar]] = defaultdict(list)
    uses: dict[str, list[cp_model.IntVar]] = defaultdict(list)
    hours: dict[tuple[str, int], list[tuple[cp_model.IntVar, int]]] = defaultdict(list)
    costs: list[tuple[cp_model.IntVar, int]] = []
    taken: list[cp_model.IntVar] = []
    for number, column in enumerate(columns):
        variable = model.new_bool_var(f"load/{number}")
        taken.append(variable)
        costs.append((variable, column.cents))
        model.add_hint(variable, _is_hinted(column, hint))
        for option in column.options:
            covers[option.candidate.job_id].append(variable)
        if column.vehicle_id:
            uses[column.vehicle_id].append(variable)
        for key, units in hours_of(table, column).items():
            hours[key].append((variable, units))
    for job_id, cents in table.penalty.items():
        left_out = model.new_bool_var(f"left-out/{job_id}")
        model.add_hint(left_out, job_id not in hint)
        model.add_exactly_one([*covers[job_id], left_out])
        costs.append((left_out, cents))
    for loads in uses.values():
        model.add_at_most_one(loads)
    for (vendor_id, hour), terms in hours.items():
        room = hour_capacity(table.world.vendors[vendor_id], hour)
        if room is not None and room < sum(units for _, units in terms):
            model.add(sum(units * variable for variable, units in terms) <= room)
    model.minimize(sum(cents * variable for variable, cents in costs))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed
    solver.parameters.max_time_in_seconds = wall_seconds
    solver.parameters.max_deterministic_time = work_seconds
    status = solver.solve(model)
    work = solver.response_proto.deterministic_time
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None, 0, False, work
    choice = {
        option.candidate.job_id: option
        for variable, column in zip(taken, columns, strict=True)
        if solver.boolean_value(variable)
        for option in column.options
    }
    return choice, max(0, round(solver.best_objective_bound)), status == cp_model.OPTIMAL, work


def _is_hinted(column: Column, hint: Choice) -> bool:
    """Whether the hint gives the vehicle exactly this load."""
    mine = all(hint.get(option.candidate.job_id) is option for option in column.options)
    if not mine or not column.vehicle_id:
        return mine
    same = sum(option.candidate.vehicle_id == column.vehicle_id for option in hint.values())
    return same == len(column.options)
