"""Tables of the documents as the code has them. ``python -m tests.docs.tables`` prints them for pasting."""

from __future__ import annotations

from collections.abc import Iterable


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    lines = [list(head), *[list(row) for row in rows]]
    text = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([text[0], "|---" * len(lines[0]) + "|", *text[1:]])


def roles_by_field() -> str:
    """Who sees what of a passenger (docs/security.md)."""
    from dispatch.selectors.passenger import ALL, ROLE_FIELDS

    fields = ALL.split()
    rows = ([f"`{role}`", *(seen.get(field, "·") for field in fields)] for role, seen in ROLE_FIELDS.items())
    return table(["role", *fields], rows)


def facts_by_ride() -> str:
    """What a fact does to a ride (docs/integration.md)."""
    from logistics.requests import states
    from logistics.requests.services.ride_table import TABLE

    statuses = ["none", "draft", "requested", "scheduled", "in_progress", "held", "completed", "canceled"]
    # What waits for an approval is treated like what is requested.
    assert set(statuses) - {"none"} == set(states.REQUEST.statuses) - {"pending"}

    def words(fact: str, status: str) -> str:
        cell = TABLE[fact].get(status)
        if cell is None or (cell.do == "keep" and not cell.alert):
            return "·"
        tell = "top alert" if cell.severity == "top" else "alert"
        return f"{cell.do}, {tell} `{cell.alert}`" if cell.alert else cell.do

    return table(["fact", *statuses], ([f"`{fact}`", *(words(fact, one) for one in statuses)] for fact in TABLE))


def levels() -> str:
    """What each level offers (docs/levels.md)."""
    from logistics.core.levels import CAPABILITIES, EXTRAS, LEVELS, in_sentence

    rows = (
        [
            f"`{level.code}`",
            level.label,
            ", ".join(in_sentence(each.words) for code, each in CAPABILITIES.items() if code in level.offers),
            level.crew,
            ", ".join(in_sentence(words) for code, words in EXTRAS.items() if code in level.may_have) or "·",
        ]
        for level in LEVELS.values()
    )
    return table(["code", "level", "offers", "crew", "some also have"], rows)


def rules() -> str:
    """The built-in rules of the level of service (docs/levels.md)."""
    from logistics.core.levels import in_sentence
    from logistics.requests.services.level_rules import BUILT_IN

    rows = ([rule.when, ", ".join(map(in_sentence, rule.asks_for)), rule.source] for rule in BUILT_IN.rules)
    return table(["when", "the vehicle must have", "source"], rows)


if __name__ == "__main__":
    import django

    django.setup()
    print(roles_by_field(), facts_by_ride(), levels(), rules(), sep="\n\n")
