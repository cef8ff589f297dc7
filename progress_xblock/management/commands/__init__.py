"""Its commands, a module each."""
