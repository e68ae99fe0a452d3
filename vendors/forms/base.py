"""What the room's forms share: a refusal of a service shown where it belongs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms

from logistics.core.errors import DomainError


class DayInput(forms.DateInput):
    """The browser's own date picker."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class MomentInput(forms.DateTimeInput):
    """The browser's own date and time picker; the value is a wall-clock time without zone."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


class RefusableForm(forms.Form):
    """A form whose service may refuse; its words go to the field that they name, else to the top."""

    def attempt(self, service: Callable[..., Any], **arguments: Any) -> bool:
        """Call ``service``; True when it accepted, False when its refusal was added to the form's errors.

        The service's answer is kept in ``result``. Conflicts (409) are raised, not added.
        """
        try:
            self.result = service(**arguments)
        except DomainError as error:
            if error.status_code == 409:  # nothing that the person typed can be corrected: the row moved on
                raise
            placed = [name for name in error.fields if name in self.fields]
            for name in placed:
                self.add_error(name, error.message)
            if not placed:
                self.add_error(None, error.message)
            return False
        return True
