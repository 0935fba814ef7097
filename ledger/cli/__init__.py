"""The commands of the ledger's part of the command line, a module each."""
