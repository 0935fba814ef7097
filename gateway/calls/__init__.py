"""Takes a call its way: examined, decided, sent to its server, answered, its outcome noted."""
