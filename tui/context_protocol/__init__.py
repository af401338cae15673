"""The tools and the guides for other programs, over the Model Context Protocol."""
