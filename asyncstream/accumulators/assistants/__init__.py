"""Folding the events of threads and runs: the accumulator, and what messages and run steps do with a delta."""

from asyncstream.accumulators.assistants.accumulator import AssistantAccumulator, AssistantChange

__all__ = ["AssistantAccumulator", "AssistantChange"]
