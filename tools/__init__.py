"""Deterministic computation over sourced facts: the same needs give the same decision."""
