"""Whether patient, wheelchair and stairs fit: door width, lift rating, people on the stairs, power chairs. Pure.

Figures: ADA lifts carry 600 lb at least (49 CFR 38.23(b)(1)) and are 30 in clear (36 CFR 1192.23). Typical manual
chairs weigh 35 to 50 lb and are 23 to 27 in wide, power chairs 250 to 450 lb empty, bariatric chairs 28 to 36 in wide:
where a power or bariatric chair's own figures are not known, the answer is a question, never "fits".

The number of people on stairs is our default policy (no regulation sets it): see :data:`STAIR_CREW`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from logistics.core.levels import LEVELS, in_sentence
from logistics.requests.services.level_rules import DOOR_IN, HEAVY_WEIGHT_LB, LIFT_LB

MANUAL_CHAIR_LB, MANUAL_CHAIR_IN = 50, 27
# Chairs whose own weight and width must be known.
ASKED_CHAIRS = ("power", "scooter", "bariatric")
CHAIR_WORDS = {
    "manual": "manual wheelchair",
    "power": "power wheelchair",
    "scooter": "scooter",
    "bariatric": "bariatric wheelchair",
}
DEVICES = {"manual": "manual_chair", "power": "power_chair", "scooter": "power_chair", "bariatric": "bariatric_chair"}
# Bariatric cots are rated from about 850 lb, ordinary ones 500 to 700.
BARIATRIC_COT_LB = 850
# Stair chairs are rated 350 to 500 lb; above that another way in must be found.
STAIR_CHAIR_LB = 500
# A landing is about 14 steps: people who carry change grip there.
FLIGHT_STEPS = 14
ORDER = ("no", "ask", "ok")


@dataclass(frozen=True)
class StairRow:
    """People who carry a seated or lying patient up to ``lb``: over a few steps, one flight, more."""

    lb: int
    few: int
    flight: int
    more: int


FEW_STEPS = 3
# Two people carry on every stair; the third and fourth come in with the weight (teams of four above 350 lb).
STAIR_CREW: tuple[StairRow, ...] = (
    StairRow(200, 2, 2, 2),
    StairRow(300, 2, 2, 3),
    StairRow(350, 2, 3, 4),
    StairRow(STAIR_CHAIR_LB, 4, 4, 4),
)


@dataclass(frozen=True)
class FitResult:
    """``verdict`` is ``ok``, ``ask`` (somebody must be asked first) or ``no``; ``rule`` names the check.

    ``figures`` are the numbers compared, ``words`` the sentence to show.
    """

    verdict: str
    rule: str
    words: str
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """What is to fit. ``chair`` is a value of ``TransportDetail.CHAIRS``; pounds, inches, steps; None = not known."""

    mobility: str
    level: str
    chair: str = ""
    chair_width_in: int | None = None
    chair_weight_lb: int | None = None
    weight_lb: int | None = None
    pickup_steps: int | None = None
    dropoff_steps: int | None = None

    @property
    def lying(self) -> bool:
        """Whether the ride is on a cot."""
        return "stretcher" in LEVELS[self.level].offers

    @property
    def on_wheels(self) -> bool:
        """Whether patient and wheelchair go onto the lift together."""
        return self.mobility == "wheelchair" and not self.lying


@dataclass(frozen=True)
class Opening:
    """The vehicle's own figures; without them the least that the ADA asks of a lift is compared with."""

    lift_lb: int | None = None
    door_in: int | None = None
    name: str = ""


def device_of(chair: str) -> str:
    """The matching's word for a patient's own chair (``Leg.load["device"]``): ``power_chair``…; empty without one."""
    return DEVICES.get(chair, "")


def chair_lb(chair: str, chair_weight_lb: int | None) -> int | None:
    """What the wheelchair weighs: as said, a manual or loaned one as usual, None where it must be asked."""
    if chair_weight_lb is not None:
        return chair_weight_lb
    return None if chair in ASKED_CHAIRS else MANUAL_CHAIR_LB


def chair_in(chair: str, chair_width_in: int | None) -> int | None:
    """How wide the wheelchair is: as said, a manual or loaned one as usual, None where it must be asked."""
    if chair_width_in is not None:
        return chair_width_in
    return None if chair in ASKED_CHAIRS else MANUAL_CHAIR_IN


def combined_lb(weight_lb: int | None, chair: str, chair_weight_lb: int | None) -> int | None:
    """Patient and wheelchair together on the lift, None while one of them is not known."""
    device = chair_lb(chair, chair_weight_lb)
    return None if weight_lb is None or device is None else weight_lb + device


def stair_people(*, weight_lb: int, steps: int) -> int | None:
    """How many people carry this patient over the steps; None above every stair chair's rating."""
    if steps <= 0:
        return 0
    row = next((row for row in STAIR_CREW if weight_lb <= row.lb), None)
    if row is None:
        return None
    return row.few if steps <= FEW_STEPS else row.flight if steps <= FLIGHT_STEPS else row.more


def check_fit(asked: Asked, opening: Opening | None = None) -> list[FitResult]:
    """Every check that applies to this ride, the worst first. ``opening`` is one vehicle; None = any of the level."""
    results: list[FitResult] = []
    if asked.on_wheels:
        results += [*_scooter(asked), _lift(asked, opening), _door(asked, opening)]
    if asked.lying:
        results += [*_cot(asked, opening), *_left_behind(asked)]
    for end, steps in (("pickup", asked.pickup_steps), ("drop-off", asked.dropoff_steps)):
        results += _stairs(asked, end, steps)
    return sorted(results, key=lambda result: ORDER.index(result.verdict))


def worst(results: list[FitResult]) -> str:
    """The verdict of them all: ``no`` beats ``ask`` beats ``ok``."""
    return min((result.verdict for result in results), key=ORDER.index, default="ok")


def for_vehicle(asked: Asked, *, level: str, lift_lb: int | None, door_in: int | None, name: str) -> list[FitResult]:
    """The checks of one vehicle of the fleet that runs ``level``: its own lift and door, not the law's least."""
    return check_fit(replace(asked, level=level), Opening(lift_lb, door_in, name))


def _lift(asked: Asked, opening: Opening | None) -> FitResult:
    device, figures = chair_lb(asked.chair, asked.chair_weight_lb), {"weight_lb": asked.weight_lb}
    if asked.weight_lb is None:
        return FitResult(
            "ask", "lift", "What does the patient weigh? The lift carries patient and wheelchair.", figures
        )
    if device is None:
        words = f"What does the {CHAIR_WORDS[asked.chair]} weigh? The lift carries it together with the patient."
        return FitResult("ask", "lift", words, figures)
    total = asked.weight_lb + device
    rating, whose = _rating(asked, opening)
    figures |= {"chair_lb": device, "combined_lb": total, "lift_lb": rating}
    sum_words = f"{asked.weight_lb} lb and a {device} lb wheelchair are {total} lb"
    if rating is None:
        return FitResult("ask", "lift", f"{sum_words}. What does {whose} carry? Its rating is not on file.", figures)
    if total > rating:
        return FitResult("no", "lift", f"{sum_words}; {whose} carries {rating} lb.", figures)
    return FitResult("ok", "lift", f"{sum_words}, within the {rating} lb of {whose}.", figures)


def _rating(asked: Asked, opening: Opening | None) -> tuple[int | None, str]:
    if opening is not None:
        return opening.lift_lb, f"the lift of {opening.name}" if opening.name else "the lift"
    # A bariatric van's lift is stronger, but no rule says how strong: the vehicle's own figure decides.
    return (None, "the lift") if "heavy" in LEVELS[asked.level].offers else (LIFT_LB, "an ordinary lift")


def _door(asked: Asked, opening: Opening | None) -> FitResult:
    width = chair_in(asked.chair, asked.chair_width_in)
    figures: dict[str, Any] = {"chair_width_in": width}
    if width is None:
        words = f"How wide is the {CHAIR_WORDS[asked.chair]} at its widest? The lift is {DOOR_IN} in clear at least."
        return FitResult("ask", "door", words, figures)
    if opening is not None:
        clear, whose = opening.door_in, f"the door of {opening.name}" if opening.name else "the door"
    else:
        clear, whose = (None, "the door") if "heavy" in LEVELS[asked.level].offers else (DOOR_IN, "an ordinary lift")
    figures["door_in"] = clear
    if clear is None:
        words = f"The wheelchair is {width} in wide. How wide is {whose}? It is not on file."
        return FitResult("ask", "door", words, figures)
    if width > clear:
        return FitResult("no", "door", f"The wheelchair is {width} in wide; {whose} is {clear} in.", figures)
    return FitResult("ok", "door", f"The wheelchair is {width} in wide and goes through {clear} in.", figures)


def _cot(asked: Asked, opening: Opening | None) -> list[FitResult]:
    figures: dict[str, Any] = {"weight_lb": asked.weight_lb}
    if asked.weight_lb is None:
        return [FitResult("ask", "cot", "What does the patient weigh? Ordinary cots carry 500 to 700 lb.", figures)]
    if opening is not None and opening.lift_lb is not None:
        return [_own_cot(asked.weight_lb, opening.lift_lb, opening.name)]
    if asked.weight_lb > HEAVY_WEIGHT_LB:
        words = f"{asked.weight_lb} lb lying: ask for a bariatric cot and a lift team of four."
        return [FitResult("ask", "bariatric_cot", words, figures)]
    return []


def _own_cot(weight_lb: int, rating: int, name: str) -> FitResult:
    whose = f"the cot of {name}" if name else "the cot"
    figures = {"weight_lb": weight_lb, "cot_lb": rating}
    if weight_lb > rating:
        return FitResult("no", "cot", f"The patient weighs {weight_lb} lb; {whose} carries {rating} lb.", figures)
    if weight_lb > HEAVY_WEIGHT_LB and rating < BARIATRIC_COT_LB:
        words = f"The patient weighs {weight_lb} lb; {whose} is not a bariatric one ({rating} lb)."
        return FitResult("no", "cot", words, figures)
    return FitResult("ok", "cot", f"The patient weighs {weight_lb} lb, within the {rating} lb of {whose}.", figures)


def _left_behind(asked: Asked) -> list[FitResult]:
    if asked.chair not in ASKED_CHAIRS:
        return []
    chair, label = CHAIR_WORDS[asked.chair], in_sentence(LEVELS[asked.level].label)
    words = f"The {label} cannot carry the {chair}: book a second ride for the chair alone, or write who brings it."
    return [FitResult("ask", "chair_left_behind", words, {"chair": asked.chair})]


def _scooter(asked: Asked) -> list[FitResult]:
    if asked.chair != "scooter":
        return []
    words = "Scooters tip on the way: ask whether the patient can move to a seat. It is asked, never required."
    return [FitResult("ask", "scooter", words)]


def _stairs(asked: Asked, end: str, steps: int | None) -> list[FitResult]:
    if not steps:
        return []
    figures: dict[str, Any] = {"steps": steps, "weight_lb": asked.weight_lb}
    count = f"{steps} step{'' if steps == 1 else 's'} at the {end}"
    if asked.mobility == "walks":
        return [FitResult("ok", "stairs", f"{count}: the crew helps on the stairs.", {**figures, "people": 1})]
    results = []
    if asked.on_wheels and asked.chair in ASKED_CHAIRS:
        words = f"{count}: a {CHAIR_WORDS[asked.chair]} is not carried on stairs. Is there a ramp or an elevator?"
        results.append(FitResult("ask", "stairs_chair", words, figures))
    if asked.weight_lb is None:
        words = f"{count}: what does the patient weigh? It decides how many people carry."
        return [*results, FitResult("ask", "stairs", words, figures)]
    people = stair_people(weight_lb=asked.weight_lb, steps=steps)
    if people is None:
        words = f"{count}: stair chairs carry up to {STAIR_CHAIR_LB} lb. Find a way in without steps."
        return [*results, FitResult("no", "stairs", words, figures)]
    brings = LEVELS[asked.level].people
    figures |= {"people": people, "crew": brings}
    need = f"{count} and {asked.weight_lb} lb: {people} people and a stair chair."
    if people > brings:
        label = in_sentence(LEVELS[asked.level].label)
        words = f"{need} The {label} brings {brings}: ask for {people - brings} more."
        return [*results, FitResult("ask", "stairs", words, figures)]
    return [*results, FitResult("ok", "stairs", need, figures)]
