"""Whether what a model sees, says and is worth is still what it was when it was trained."""
