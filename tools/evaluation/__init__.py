"""A person's own scenarios over one or several models: how many they pass, and how sure that is."""
