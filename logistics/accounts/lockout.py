"""What a locked-out sign-in answers: generic words, no hint whether the account exists."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def locked_out(request: HttpRequest, response: Any = None, credentials: Any = None) -> HttpResponse:
    """429 with when to try again."""
    context = {"message": "Too many attempts from here for this account. Try again in 15 minutes."}
    return render(request, "errors/429.html", context, status=429)
