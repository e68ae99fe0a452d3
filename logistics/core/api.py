"""Errors of the JSON API in one shape (RFC 9457, problem details)."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_handler

from logistics.core.errors import DomainError


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """A domain error becomes its status with ``code``, ``detail`` and ``fields``; others as DRF does.

    Whatever the view wrote before it failed is undone: the request's transaction is the middleware's.
    """
    if connection.in_atomic_block:
        transaction.set_rollback(True)
    if isinstance(error, DomainError):
        body = {"code": error.code, "detail": error.message, "fields": error.fields}
        return Response(body, status=error.status_code, content_type="application/problem+json")
    return drf_handler(error, context)
