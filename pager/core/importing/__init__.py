"""Leaving another pager: its export becomes files of ours, and a report of what could not be carried over.

One file a system reads its JSON into the values of `model`; the rest knows of no system. `rosters` makes schedules of
them, `folder` the files, and `compare` holds the answer against what the export says of who is on call.
"""
