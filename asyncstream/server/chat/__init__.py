"""Chat completions in the embedded server: from a request to the bytes of its answer.

`requests` checks a body and says what the model is told; `script` unfolds turns into blocks, `objects` makes whole
answers of these; `calls` and `chunks` give it the shape of a dialect, and `frames` turns chunks and errors into bytes.
All of that is pure. The endpoints are in `completions`.
"""
