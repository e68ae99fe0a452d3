"""One simulated hospital: who lies where, and what happens next."""

from __future__ import annotations

import datetime as dt
import math
import random
from dataclasses import asdict, dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from integrations.simulator import people
from integrations.simulator.people import Person

Bed = tuple[str, str, str]
KEEP_LEFT = 20


@dataclass(frozen=True)
class Site:
    """Where the messages go and how the sender names itself. ``beds`` are those that this simulator may fill."""

    host: str
    port: int
    facility: str
    zone: str
    beds: tuple[Bed, ...]
    application: str = "EPIC"
    sender: str = ""
    homes: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def read(cls, host: str, feed: dict[str, Any]) -> Site:
        """From one feed of the demo's file; ``taken`` beds belong to patients of others."""
        taken = {tuple(str(part) for part in one) for one in feed.get("taken", [])}
        beds = tuple(
            place
            for unit in feed["units"]
            for room, bed in unit["beds"]
            if (place := (str(unit["code"]), str(room), str(bed))) not in taken
        )
        return cls(
            host=host,
            port=int(feed["port"]),
            facility=feed["facility"],
            zone=feed["zone"],
            beds=beds,
            sender=feed.get("sending_facility") or feed["facility"],
            application=feed.get("sending_application") or "EPIC",
            homes=tuple(tuple(one) for one in feed.get("homes", [])),
        )


@dataclass(frozen=True)
class Step:
    """One thing that happens: the event, about whom, as bytes."""

    event: str
    who: Person
    raw: bytes


@dataclass
class Hospital:
    """The state of one site. ``next_step`` decides and tells; ``settle`` makes it true once it was acknowledged."""

    site: Site
    rng: random.Random
    run: str
    house: dict[str, Person] = field(default_factory=dict)
    left: list[Person] = field(default_factory=list)
    count: int = 0
    last: bytes = b""

    def free(self) -> list[Bed]:
        """Beds without a patient of this simulator."""
        taken = {(who.unit, who.room, who.bed) for who in self.house.values()}
        return [bed for bed in self.site.beds if bed not in taken]

    def target(self, now: dt.datetime) -> int:
        """How many patients the house should have: fullest late in the morning, emptiest in the evening."""
        hour = now.astimezone(ZoneInfo(self.site.zone)).hour
        share = 0.62 + 0.1 * math.cos((hour - 11) / 24 * 2 * math.pi)
        return round(share * len(self.site.beds))

    def next_step(self, now: dt.datetime) -> Step | bytes:
        """What happens next; bytes are the last message sent again, as after a lost acknowledgment."""
        if self.last and self.rng.random() < 0.02:
            return self.last
        if len(self.house) < max(2, self.target(now) // 2) and self.free():
            return self._admit(now, back=dt.timedelta(hours=self.rng.randint(5, 90)))
        due = [who for who in self.house.values() if who.stage == "planned" and who.moment("expected") <= now]
        if due:
            return self._discharge(self.rng.choice(due), now)
        return self._ordinary(now)

    def _ordinary(self, now: dt.datetime) -> Step:
        hour = now.astimezone(ZoneInfo(self.site.zone)).hour
        stay = [who for who in self.house.values() if who.stage == "in"]
        planned = [who for who in self.house.values() if who.stage == "planned"]
        by_day = 7 <= hour < 18
        options: list[tuple[float, Any]] = []
        if self.free() and len(self.house) < self.target(now) + 2:
            options.append((3.0 if len(self.house) < self.target(now) else 0.6, self._admit))
        if stay:
            options += [(4.0, self._observe), (2.4 if by_day else 0.4, self._plan)]
        if stay and self.free():
            options.append((1.0, self._transfer))
        if planned:
            options += [(0.25, self._withdraw), (0.8, self._replan)]
        if self.left and self.free():
            options.append((0.12, self._reopen))
        if not options:
            return self._admit(now) if self.free() else self._discharge(self.rng.choice(planned), now)
        weights = [weight for weight, _ in options]
        step: Step = self.rng.choices([act for _, act in options], weights)[0](now)
        return step

    def settle(self, step: Step | bytes) -> None:
        """The receiver has it: the house is now as the message says."""
        if isinstance(step, bytes):
            return
        who = step.who
        if step.event == "A03":
            self.house.pop(who.visit, None)
            self.left = [*self.left, who][-KEEP_LEFT:]
        else:
            self.house[who.visit] = who
            self.left = [one for one in self.left if one.visit != who.visit]
        self.last = step.raw

    # The events

    def _tell(self, event: str, who: Person, now: dt.datetime, **more: Any) -> Step:
        self.count += 1
        return Step(event, who, people.message(self.site, event, who, now, f"{self.run}{self.count:06d}", **more))

    def _admit(self, now: dt.datetime, back: dt.timedelta = dt.timedelta(minutes=3)) -> Step:
        self.count += 1
        number = f"{self.run}{self.count:05d}"
        who = people.invent(self.rng, number, self.rng.choice(self.free()), now - back, homes=self.site.homes)
        return self._tell("A01", who, now - back if back > dt.timedelta(hours=1) else now)

    def _pick(self, stage: str) -> Person:
        return Person(**asdict(self.rng.choice([who for who in self.house.values() if who.stage == stage])))

    def _observe(self, now: dt.datetime) -> Step:
        who = self._pick("in")
        what = self.rng.choice(("weight", "oxygen", "isolation", "mobility"))
        if what == "weight":
            who.weight_kg = max(38, who.weight_kg + self.rng.choice((-2, -1, 1, 2)))
        elif what == "oxygen":
            who.oxygen_lpm = self.rng.choice((0, 0, 1, 2, 3, 4))
        elif what == "isolation":
            who.isolation = self.rng.choice(("", "", "Contact", "Droplet", "Airborne"))
        else:
            who.mobility = self.rng.choice(("Walks", "Walks with cane", "Wheelchair", "Stretcher"))
        return self._tell("A08", who, now)

    def _transfer(self, now: dt.datetime) -> Step:
        who = self._pick("in")
        who.unit, who.room, who.bed = self.rng.choice(self.free())
        return self._tell("A02", who, now)

    def _plan(self, now: dt.datetime) -> Step:
        who = self._pick("in")
        who.stage, who.expected = "planned", (now + dt.timedelta(minutes=self.rng.randint(45, 240))).isoformat()
        return self._tell("A16", who, now)

    def _replan(self, now: dt.datetime) -> Step:
        who = self._pick("planned")
        who.expected = (who.moment("expected") + dt.timedelta(minutes=self.rng.choice((-15, 15, 30, 45)))).isoformat()
        return self._tell("A08", who, now)

    def _withdraw(self, now: dt.datetime) -> Step:
        who = self._pick("planned")
        who.stage, who.expected = "in", ""
        return self._tell("A25", who, now)

    def _discharge(self, who: Person, now: dt.datetime) -> Step:
        who = Person(**asdict(who))
        who.stage, who.left = "left", now.isoformat()
        return self._tell("A03", who, now, code=people.disposition(self.rng, who))

    def _reopen(self, now: dt.datetime) -> Step:
        who = Person(**asdict(self.rng.choice(self.left)))
        who.stage, who.left, who.expected = "in", "", ""
        who.unit, who.room, who.bed = self.rng.choice(self.free())
        return self._tell("A13", who, now)

    # Between runs

    def dump(self) -> dict[str, Any]:
        """The state as JSON."""
        return {
            "house": [asdict(who) for who in self.house.values()],
            "left": [asdict(who) for who in self.left],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on where the last run ended; patients in beds that are gone are forgotten."""
        beds = set(self.site.beds)
        for one in state.get("house", []):
            who = Person(**one)
            if (who.unit, who.room, who.bed) in beds:
                self.house[who.visit] = who
        self.left = [Person(**one) for one in state.get("left", [])]
