"""The HTTP interface for senders, people's scripts and machines: read the request, call once, word the reply."""
