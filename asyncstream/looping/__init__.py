"""How an answer that calls tools is gone on with: the pure part, without clock, tasks and connections.

A file is loaded when it is asked for, so that a stream which runs no tools loads none of it.
"""

from typing import TYPE_CHECKING

from asyncstream.faces import face

if TYPE_CHECKING:
    from asyncstream.looping import book as book
else:
    __getattr__, __dir__ = face(__name__)
