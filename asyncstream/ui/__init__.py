"""What pages read and post: projections of changes into the protocols of front-ends, and their messages as ours.

`UIMessages` (useChat, assistant-ui) and `AGUI` (AG-UI, CopilotKit) take typed changes and give parts;
`messages_from_ui` and `messages_from_ag_ui` read what such pages post; `retell` makes parts of a message that was kept.
Pure: no IO. The relay sends the parts (`view="ui-messages"`, `view="ag-ui"`).
"""

from asyncstream.ui.ag_ui import AGUI
from asyncstream.ui.errors import PostRefusedError
from asyncstream.ui.posted_ag_ui import decisions_from_ag_ui, messages_from_ag_ui
from asyncstream.ui.posted_ui import messages_from_ui
from asyncstream.ui.retold import retell
from asyncstream.ui.ui_messages import UIMessages

__all__ = [
    "AGUI",
    "PostRefusedError",
    "UIMessages",
    "decisions_from_ag_ui",
    "messages_from_ag_ui",
    "messages_from_ui",
    "retell",
]
