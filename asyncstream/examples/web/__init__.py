"""A page that asks an assistant and shows the run as it grows, served by aiohttp.web or by FastAPI.

`on_aiohttp` and `on_fastapi` are the same application for two frameworks, `runs` starts a run and answers its calls,
`page` is the page with the headers that it wants. ``python -m asyncstream demo --web`` runs it.
"""
