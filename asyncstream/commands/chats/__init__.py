"""How `chat` asks and shows, one file a protocol: `completions`, and `responses`. `printing` is what they share."""
