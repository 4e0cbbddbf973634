"""The only floor that opens client connections: requests described, the retry policy, the HTTP door, live streams."""
