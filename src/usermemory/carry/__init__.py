"""One user in one JSON document: taken out of a database, put into another."""

from usermemory.carry.document import VERSION, document_of, put_in, readable, rows_from, take_out

__all__ = ["VERSION", "document_of", "put_in", "readable", "rows_from", "take_out"]
