"""Runs that browsers come back to: one producer a run, any number of readers, in this process or over Redis.

`run_log` is what applications hold; `admission` lets a request in, `reader` gives it the entries, `tail` reads the
newest once for all; `producer` brings a source into a store. `store` says what a store is: `memory`, or `redis_store`.
"""
