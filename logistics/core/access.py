"""What a view declares about itself. A view that declares nothing does not open (accounts middleware)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Access:
    """``permission`` needed in the current membership; ``public`` opens without sign-in; ``signed_in``
    needs a person but no organization; ``signing_in`` opens before the second factor was given;
    ``own_scope`` marks views that open their scope themselves (streams)."""

    permission: str = ""
    public: bool = False
    signed_in: bool = False
    signing_in: bool = False
    own_scope: bool = False


def requires(permission: str, *, own_scope: bool = False) -> Callable[[View], View]:
    """Declare the permission that a view needs."""
    return _declare(Access(permission=permission, own_scope=own_scope))


def public(view: View) -> View:
    """Declare that a view opens for everybody."""
    return _declare(Access(public=True))(view)


def signed_in(view: View) -> View:
    """Declare that a view needs a signed-in person, whatever the role."""
    return _declare(Access(signed_in=True))(view)


def signing_in(view: View) -> View:
    """Declare a step of signing in: the password was right, the second factor may still be owed."""
    return _declare(Access(signing_in=True))(view)


def access_of(view: Callable[..., Any]) -> Access | None:
    """What ``view`` declared, or None."""
    found = getattr(view, "carrywell_access", None)
    if found is None and hasattr(view, "view_class"):
        found = getattr(view.view_class, "carrywell_access", None)
    if found is None and hasattr(view, "cls"):
        found = getattr(view.cls, "carrywell_access", None)
    return found


def _declare(access: Access) -> Callable[[View], View]:
    def mark(view: View) -> View:
        view.carrywell_access = access  # type: ignore[attr-defined]
        return view

    return mark
