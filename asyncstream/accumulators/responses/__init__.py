"""Folding the events of a response: the accumulator, and what its items, parts and texts do with an event."""

from asyncstream.accumulators.responses.accumulator import ResponseAccumulator, ResponseChange

__all__ = ["ResponseAccumulator", "ResponseChange"]
