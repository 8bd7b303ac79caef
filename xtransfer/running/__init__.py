"""Planning and running a study from Python, and its result; `xtransfer` exports the names."""
