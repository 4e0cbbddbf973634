"""Assistants in the embedded server: the endpoints, one file a noun, and the runs that stand behind them.

`engine` keeps the runs that are not over yet, `live_run` drives one, `output` makes its messages and steps, `objects`
the wire objects of all nouns.
"""
