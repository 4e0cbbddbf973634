"""The user's types, and how JSON becomes their values: what msgspec reads itself, and what it does not. Pure.

msgspec reads most types whole, and where it does nothing stands between. It knows no pydantic models, takes only its
own `Meta` for a note in `Annotated`, and refuses unions of types that it cannot tell apart. A type that holds such a
thing anywhere is taken apart (`reading`) as far as it needs to be (`kinds`). Every part is a shape (`shape`), which
gives its JSON Schema (`parts`) and decodes its JSON: a single value (`values`), what holds others (`holders`), or what
pydantic reads (`models`). Above: `schemas`, which tightens the schemas, and `parsing`, which words the errors.

Rule 1: pydantic is never imported. Its models are known by their methods and its notes by their attributes; for what
has neither, the pydantic that the user's own module has loaded is asked.
"""
