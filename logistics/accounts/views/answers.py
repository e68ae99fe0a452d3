"""Answers that several views give."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseRedirect
from django.shortcuts import resolve_url


class SeeOther(HttpResponseRedirect):
    """303: the form was taken, look there; a reload does not send it again."""

    status_code = 303


def see_other(to: str, *args: Any, **kwargs: Any) -> SeeOther:
    """303 to a URL or a view name."""
    return SeeOther(resolve_url(to, *args, **kwargs))
