"""Pictures from outside: drawn anew, so that nothing but pixels is kept, and drawings that arrive as data URLs."""

from __future__ import annotations

import base64
import binascii
import io
import re

from PIL import Image, ImageOps, UnidentifiedImageError

from logistics.core.errors import DomainError

MOST_BYTES = 8 * 1024 * 1024
MOST_PIXELS = 40_000_000
SIGNATURE_SIDE = 1200
DATA_URL = re.compile(r"^data:image/(?:png|jpeg);base64,(?P<body>[A-Za-z0-9+/=\s]*)$")


def redraw(raw: bytes, *, field: str, side: int, kind: str) -> bytes:
    """The picture drawn anew as ``kind`` (``JPEG`` or ``PNG``), at most ``side`` pixels long, without metadata.

    Raises :class:`DomainError` naming ``field`` for what cannot be read or is too large.
    """
    try:
        if len(raw) > MOST_BYTES:
            raise ValueError("too many bytes")
        picture = Image.open(io.BytesIO(raw), formats=("JPEG", "PNG", "WEBP"))
        if picture.width * picture.height > MOST_PIXELS:
            raise ValueError("too many pixels")
        picture.load()
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        words = "This picture cannot be read or is too large. Take it again."
        raise DomainError(words, code="bad_image", fields={field: words}) from error
    layer = ImageOps.exif_transpose(picture).convert("RGBA")
    layer.thumbnail((side, side))
    flat = Image.new("RGB", layer.size, "white")
    flat.paste(layer, mask=layer.getchannel("A"))
    out = io.BytesIO()
    if kind == "JPEG":
        flat.save(out, "JPEG", quality=82, optimize=True)
    else:
        flat.convert("L").save(out, "PNG", optimize=True)
    return out.getvalue()


def signature(raw: bytes, *, field: str = "signature") -> bytes:
    """A drawn signature as a gray PNG, or no bytes when nothing but one shade is on it."""
    drawn = redraw(raw, field=field, side=SIGNATURE_SIDE, kind="PNG")
    shades = Image.open(io.BytesIO(drawn)).histogram()
    drawn_on = [shade for shade, pixels in enumerate(shades) if pixels]
    return drawn if drawn_on[-1] - drawn_on[0] >= 32 else b""


def from_data_url(text: str, *, most: int) -> bytes | None:
    """The bytes of a PNG or JPEG data URL (empty for an empty text); None when it is none or has over ``most``."""
    if not text:
        return b""
    match = DATA_URL.match(text) if len(text) <= most * 2 else None
    if match is None:
        return None
    try:
        body = base64.b64decode(match["body"], validate=False)
    except (binascii.Error, ValueError):
        return None
    return body if len(body) <= most else None
