"""MLLP framing without input or output (HL7 Transport Specification: MLLP, Release 1).

A frame is VT, the message, FS, CR. Real senders also split it over many packets, put several into one, leave
the CR out, break off and begin again, or are no HL7 senders at all; a `Framer` tells these apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

START = b"\x0b"
END = b"\x1c"

DEFAULT_FRAME_LIMIT = 8 * 1024 * 1024

# A vertical tab is also what word processors leave in pasted text, so inside a frame it begins another one
# only where a message, a batch or a file begins.
_BEGINNINGS = (b"MSH", b"BHS", b"FHS")

JunkReason = Literal["between_frames", "nested_start", "too_large", "unfinished"]


def frame(payload: bytes) -> bytes:
    """`payload` as one MLLP frame."""
    return START + payload + END + b"\r"


@dataclass(frozen=True, slots=True)
class Frame:
    """The bytes of one message, framing taken off."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Junk:
    """Bytes that belong to no complete frame.

    reason: `between_frames` (outside any frame), `nested_start` (a frame that the start of another broke
    off), `too_large` (a frame over the limit), `unfinished` (the stream ended inside a frame).
    data: the bytes, at most `Framer.KEPT` of them. size: how many there were; for `too_large`, at least so
    many.
    """

    data: bytes
    reason: JunkReason
    size: int


class Framer:
    """Cuts a byte stream into frames. The outcome does not depend on how the stream was split into reads.

    limit: the largest payload, in bytes, that is still a message. No more than that is ever held.
    """

    __slots__ = ("_buffer", "_in_frame", "_outside", "_searched", "_skipping", "limit", "outside_size")

    KEPT = 65536
    """How much of a piece of junk is kept to be looked at."""

    def __init__(self, limit: int = DEFAULT_FRAME_LIMIT) -> None:
        self.limit = limit
        self.outside_size = 0
        """Bytes seen since the last frame that belong to none."""
        self._buffer = bytearray()
        self._outside = bytearray()
        self._in_frame = False
        self._skipping = False  # in a frame that was given up as too large
        self._searched = 0  # how much of the buffer is known to hold no delimiter

    @property
    def is_idle(self) -> bool:
        """Nothing is pending: the stream may pause here for as long as it likes."""
        return not self._in_frame and not self.outside_size

    def feed(self, data: bytes) -> list[Frame | Junk]:
        """What these bytes completed, in stream order."""
        found: list[Frame | Junk] = []
        self._buffer += data
        while self._buffer:
            step = self._inside if self._in_frame else self._between
            if not step(found):
                break
        return found

    def close(self) -> list[Junk]:
        """What was pending when the stream ended. The framer is as new afterwards."""
        found: list[Frame | Junk] = []
        if self._in_frame and not self._skipping:
            self._break_off("unfinished", len(self._buffer), found)
        self._end_outside(found)
        self._buffer.clear()
        self._in_frame = self._skipping = False
        self._searched = 0
        return [one for one in found if isinstance(one, Junk)]

    def _between(self, found: list[Frame | Junk]) -> bool:
        buffer = self._buffer
        start = buffer.find(START)
        outside = bytes(buffer if start < 0 else buffer[:start])
        if not self.outside_size:
            # The CR after FS, and the line ends that some senders add to it.
            outside = outside.lstrip(b"\r\n")
        self.outside_size += len(outside)
        self._outside += outside[: self.KEPT - len(self._outside)]
        if start < 0:
            buffer.clear()
            return False
        self._end_outside(found)
        del buffer[: start + 1]
        self._in_frame = True
        return True

    def _inside(self, found: list[Frame | Junk]) -> bool:
        """Deal with the frame's next delimiter; False when more bytes are needed to find it."""
        buffer = self._buffer
        at, kind = self._delimiter()
        if at > self.limit and not self._skipping:
            size = self.limit + 1
            found.append(Junk(bytes(buffer[: min(size, self.KEPT)]), "too_large", size))
            self._skipping = True
        if not kind:
            if self._skipping:
                del buffer[:at]
                at = 0
            self._searched = at
            return False
        if not self._skipping:
            if kind == "end":
                found.append(Frame(bytes(buffer[:at])))
            else:
                self._break_off("nested_start", at, found)
        del buffer[: at + 1]
        self._in_frame = kind == "nested"
        self._skipping = False
        self._searched = 0
        return True

    def _delimiter(self) -> tuple[int, Literal["end", "nested", ""]]:
        """Where the frame ends or is broken off; with "", how many bytes are sure to be payload."""
        buffer = self._buffer
        end = buffer.find(END, self._searched)
        stop = len(buffer) if end < 0 else end
        at = buffer.find(START, self._searched, stop)
        while at >= 0:
            following = bytes(buffer[at + 1 : at + 4])
            if following in _BEGINNINGS:
                return at, "nested"
            if at + 4 > len(buffer) and any(one.startswith(following) for one in _BEGINNINGS):
                return at, ""
            at = buffer.find(START, at + 1, stop)
        return stop, "" if end < 0 else "end"

    def _break_off(self, reason: JunkReason, size: int, found: list[Frame | Junk]) -> None:
        if size:
            found.append(Junk(bytes(self._buffer[: min(size, self.KEPT)]), reason, size))

    def _end_outside(self, found: list[Frame | Junk]) -> None:
        if self.outside_size:
            found.append(Junk(bytes(self._outside), "between_frames", self.outside_size))
        self._outside.clear()
        self.outside_size = 0
