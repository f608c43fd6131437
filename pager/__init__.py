"""pager: alerts in, the person on call paged until somebody has it."""

__version__ = "0.1.0"
