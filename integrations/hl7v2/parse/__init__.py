"""Reading HL7 2.x: `parse` bytes into a `Message`, ask it for values, or take its `facts`.

Plain Python, no framework. On the command line, `python -m integrations.hl7v2.parse FILE...` prints the facts
of each file as one JSON object per line.
"""

from .facts import NULL_WORD, facts
from .message import NULL, Message, parse, split_batch
from .times import Moment, moment
from .verdict import Decision, decide, event_of

__all__ = [
    "NULL",
    "NULL_WORD",
    "Decision",
    "Message",
    "Moment",
    "decide",
    "event_of",
    "facts",
    "moment",
    "parse",
    "split_batch",
]
