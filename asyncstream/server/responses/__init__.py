"""Responses and conversations in the embedded server: from a request to the bytes of its answer.

`requests` checks bodies, `items` the items in them; `objects` makes responses; `output` unfolds actions into items and
their events, and `script` a turn into a whole response: all of that in OpenAI's shape. `shapes` gives events the shape
of a dialect, `frames` makes bytes of them. All of that is pure. `live` plays a response and keeps what was sent of it,
`engine` has all that are known, with conversations. The endpoints are in `responses`, `inputs` and `conversations`.
"""
