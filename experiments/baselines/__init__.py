"""Programs that run other tools in an environment of their own; they import nothing of this project."""
