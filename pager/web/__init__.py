"""Pages for people: server-rendered, phone first, usable without JavaScript."""
