"""One binary per job."""
