"""Folding the chunks of a chat answer: the accumulator, and what a choice and its calls do with a delta."""

from asyncstream.accumulators.chat.accumulator import ChatAccumulator, ChatChange
from asyncstream.accumulators.chat.answers import fold_answer

__all__ = ["ChatAccumulator", "ChatChange", "fold_answer"]
