"""The chat's screen in a browser: a textual-serve server that looks at who asks before it starts anything."""
