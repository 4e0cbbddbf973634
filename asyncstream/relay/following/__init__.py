"""Reading a relay from Python, as an `EventSource` does in a browser: over as many connections as it takes.

`follow` is the door, `follower` the iterator, `link` decides when there is another connection, `connection` is one.
"""
