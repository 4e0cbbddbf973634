"""The nouns of the API: what each endpoint is called, takes and gives. Nothing here talks HTTP or folds events."""
