"""The commands: one file a group; each imports what is heavy when it runs."""
