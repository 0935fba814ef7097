"""Who is who, and which tools are whose."""
