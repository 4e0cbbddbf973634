"""A page for conversations with a model that calls tools, served by aiohttp.web or by FastAPI.

`on_aiohttp` and `on_fastapi` are the same application for two frameworks, `runs` answers the questions, `tools` are the
functions that the model may call, `conversations` keeps what was said, `page` is the page with the headers that it
wants. ``python -m asyncstream demo --web`` runs it.

`use_chat_on_aiohttp` and `use_chat_on_fastapi` are backends for Vercel's `useChat`, `chats` keeps their
conversations, and ``use_chat.jsx`` is their page in React. `going` tells both whether an answer still goes on.
"""
