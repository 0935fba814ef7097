"""Helps editors and people to write the files: schemas, descriptions, one form."""
