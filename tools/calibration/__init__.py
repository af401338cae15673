"""What measurements on this machine say about its estimates."""
