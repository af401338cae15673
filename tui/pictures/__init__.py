"""What the pictures show, worked out without the screen: data in, rows and sentences out."""
