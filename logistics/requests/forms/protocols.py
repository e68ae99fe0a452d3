"""Forms of protocols and handoff lists: a row an item, with some empty rows for new ones."""

from __future__ import annotations

from typing import Any

from django import forms

from logistics.requests.services.advice import NEEDS
from logistics.requests.services.handoff import KINDS, SECTIONS
from logistics.requests.services.protocols import MOST_OFFSET, WHO

EMPTY_ROWS = 3


class ItemForm(forms.Form):
    """What every item has; ``key`` keeps what was done under it through rewording."""

    key = forms.CharField(required=False, max_length=24, widget=forms.HiddenInput)
    words = forms.CharField(label="What", required=False, max_length=120)
    hard = forms.BooleanField(label="Hard", required=False)
    remove = forms.BooleanField(label="Remove", required=False)


class ProtocolItemForm(ItemForm):
    """An item of a unit's protocol."""

    who = forms.ChoiceField(label="Who", required=False, choices=[("", "Choose"), *WHO.items()])
    offset_minutes = forms.IntegerField(
        label="Minutes before leaving", required=False, min_value=0, max_value=MOST_OFFSET, initial=60
    )
    field_order = ("key", "words", "who", "offset_minutes", "hard", "remove")


class HandoffItemForm(ItemForm):
    """An item of a level's handoff list."""

    section = forms.ChoiceField(label="Part", required=False, choices=[("", "Choose"), *SECTIONS.items()])
    kind = forms.ChoiceField(label="Answered", required=False, choices=[("", "Choose"), *KINDS.items()])
    need = forms.ChoiceField(label="A yes means", required=False, choices=[("", "No need"), *NEEDS])
    field_order = ("key", "section", "words", "kind", "need", "hard", "remove")


class SeenForm(forms.Form):
    """Which version the person edited."""

    seen_version = forms.IntegerField(min_value=0)


ProtocolItems = forms.formset_factory(ProtocolItemForm, extra=EMPTY_ROWS, max_num=40)
HandoffItems = forms.formset_factory(HandoffItemForm, extra=EMPTY_ROWS, max_num=40)


def kept_forms(formset: forms.BaseFormSet) -> list[forms.Form]:
    """The rows that count: not removed, and not an empty row for a new item."""
    found = []
    for form in formset.forms:
        given = form.cleaned_data
        if not given.get("remove") and (given.get("words") or given.get("key")):
            found.append(form)
    return found


def rows_of(formset: forms.BaseFormSet) -> list[dict[str, Any]]:
    """The items as the services take them."""
    return [dict(form.cleaned_data) for form in kept_forms(formset)]
