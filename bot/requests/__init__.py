"""Does what people ask for, by command or by button, through the ledger."""
