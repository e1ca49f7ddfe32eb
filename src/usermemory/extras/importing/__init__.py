"""Profiles that another memory kept: found in its files, fitted into the schema, written down."""
