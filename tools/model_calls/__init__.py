"""Calls of language models through LiteLLM: errors, streams, tokens, and what a model needs and can."""
