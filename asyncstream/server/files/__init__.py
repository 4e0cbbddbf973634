"""Files and vector stores in the embedded server: the endpoints, one file a noun, and what becomes of a file.

`library` keeps the files, `search` looks for words in them, `objects` makes the wire objects of all nouns.
"""
