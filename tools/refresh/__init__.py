"""Newer facts from the network: asked for, held against what can be, and shown before they are taken."""
