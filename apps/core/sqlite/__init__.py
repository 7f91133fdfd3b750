"""Django's SQLite backend, with what it does anew for each statement done once."""
