"""What is known: the catalog of facts, the guides, and the search in them."""
