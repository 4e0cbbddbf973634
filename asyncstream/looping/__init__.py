"""How an answer that calls tools is gone on with: the pure part, without clock, tasks and connections."""
