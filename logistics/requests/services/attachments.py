"""Papers of a request: taken only as what they are, cleaned of what is hidden in them, sealed."""

from __future__ import annotations

import hashlib
import io
import re
from uuid import UUID

from django.db import IntegrityError, transaction
from PIL import Image, ImageOps, UnidentifiedImageError

from logistics.core import audit, clock, outbox, scoping
from logistics.core.errors import DomainError
from logistics.requests.models import Attachment, ServiceRequest

MOST_BYTES = 8_000_000
MOST_PIXELS = 40_000_000
MOST_EACH = 20
# What lets a PDF do something: scripts, programs, files inside files, and forms that send. Names may be written with
# #xx for a letter (ISO 32000-1, 7.3.5), so both are looked for after decoding.
ACTIVE = (b"/JavaScript", b"/JS", b"/Launch", b"/EmbeddedFile", b"/RichMedia", b"/SubmitForm", b"/ImportData", b"/XFA")
KINDS = dict(Attachment.KINDS)


def add(*, request_id: UUID, name: str, content: bytes, kind: str = "other") -> Attachment:
    """Attach a PDF or a picture. The same content again answers with the one that is there.

    Pictures are drawn anew, so that no position or camera data stays. Raises :class:`DomainError` (field ``file``)
    for anything else, and for a PDF that carries scripts or files.
    """
    request = ServiceRequest.objects.select_for_update(of=("self",)).filter(pk=request_id).first()
    if request is None:
        raise DomainError("This request does not exist.", code="not_found")
    if kind not in KINDS:
        raise DomainError("Choose what it is.", code="kind", fields={"kind": "Choose what it is."})
    media_type, kept, pages = checked(content)
    digest = hashlib.sha256(kept).hexdigest()
    here = Attachment.objects.filter(request=request, removed_at__isnull=True)
    known = here.filter(digest=digest).first()
    if known is not None:
        return known
    if here.count() >= MOST_EACH:
        raise _refused(f"A request holds at most {MOST_EACH} papers. Remove one first.")
    scope = scoping.current()
    try:
        with transaction.atomic():
            row = Attachment.objects.create(
                request=request,
                kind=kind,
                name=_name(name, media_type),
                media_type=media_type,
                content=kept,
                size=len(kept),
                digest=digest,
                pages=pages,
                added_by_id=scope.user_id,
                added_by_name=scope.actor_label,
            )
    except IntegrityError:
        return here.get(digest=digest)
    audit.record(
        action="attachment.added", target=row, patient_id=request.patient_id, details={"kind": kind, "size": row.size}
    )
    outbox.publish("attachment.added", {"request_id": str(request.pk), "attachment_id": str(row.pk)})
    return row


def remove(*, attachment_id: UUID) -> Attachment:
    """Take a paper out of sight. It stays in the record; :func:`restore` brings it back."""
    return _switch(attachment_id, removed=True)


def restore(*, attachment_id: UUID) -> Attachment:
    """Bring a removed paper back."""
    return _switch(attachment_id, removed=False)


def checked(content: bytes) -> tuple[str, bytes, int | None]:
    """(media type, bytes to keep, pages of a PDF). Goes by the content; a file's name and claim count for nothing."""
    if not content:
        raise _refused("The file is empty. Choose another.")
    if len(content) > MOST_BYTES:
        raise _refused(f"The file is larger than {MOST_BYTES // 1_000_000} MB. Scan it with fewer dots per inch.")
    if content.lstrip()[:5] == b"%PDF-":
        return "application/pdf", content, _pdf_pages(content)
    if content[:3] == b"\xff\xd8\xff" or content[:8] == b"\x89PNG\r\n\x1a\n":
        return "image/jpeg", _redrawn(content), None
    raise _refused("Attach a PDF, a JPEG or a PNG. Other files are not taken.")


def _pdf_pages(content: bytes) -> int:
    plain = re.sub(rb"#([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), content)
    if b"%%EOF" not in plain[-2048:]:
        raise _refused("The PDF is cut off. Save it again and attach it then.")
    if b"/Encrypt" in plain:
        raise _refused("The PDF has a password. Save it without one.")
    if any(re.search(re.escape(word) + rb"(?![A-Za-z])", plain) for word in ACTIVE):
        raise _refused("The PDF carries a script, a form or other files. Print it to a new PDF and attach that.")
    return len(re.findall(rb"/Type\s*/Page(?![A-Za-z])", plain))


def _redrawn(content: bytes) -> bytes:
    try:
        with Image.open(io.BytesIO(content), formats=["JPEG", "PNG"]) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise _refused("The picture has too many pixels. Make it smaller.")
            upright = ImageOps.exif_transpose(picture).convert("RGB")
            out = io.BytesIO()
            upright.save(out, "JPEG", quality=85)
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError, SyntaxError) as error:
        raise _refused("The picture cannot be read. Take it again.") from error
    return out.getvalue()


def _name(given: str, media_type: str) -> str:
    """A file name without path and control characters, with the ending of what it is."""
    base = re.sub(r"[^\w .()\-]", "_", given.replace("\\", "/").rsplit("/", 1)[-1]).strip(" .")[:80]
    stem = base.rsplit(".", 1)[0] if "." in base else base
    return f"{stem or 'paper'}.{'pdf' if media_type == 'application/pdf' else 'jpg'}"


def _switch(attachment_id: UUID, *, removed: bool) -> Attachment:
    row = Attachment.objects.select_related("request").filter(pk=attachment_id).first()
    if row is None:
        raise DomainError("This paper does not exist.", code="not_found")
    if bool(row.removed_at) == removed:
        return row
    row.removed_at = clock.now() if removed else None
    row.removed_by_name = scoping.current().actor_label if removed else ""
    try:
        with transaction.atomic():
            row.save(update_fields=["removed_at", "removed_by_name"])
    except IntegrityError as error:
        raise DomainError("The same paper is attached again already.", code="attached_again") from error
    action = "attachment.removed" if removed else "attachment.restored"
    audit.record(action=action, target=row, patient_id=row.request.patient_id)
    outbox.publish(action, {"request_id": str(row.request_id), "attachment_id": str(row.pk)})
    return row


def _refused(words: str) -> DomainError:
    return DomainError(words, code="attachment", fields={"file": words})
