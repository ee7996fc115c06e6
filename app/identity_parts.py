"""Puts together what reads identity tokens. Called by bootstrap."""

from __future__ import annotations

from app.adapters.db.engine import Database
from app.adapters.db.identity import SqlIdentityBook
from app.adapters.jwks import HttpPublicKeys
from app.api.identify import Identifier
from app.conversation.seal import MasterKey


def make_identifier(database: Database, master: MasterKey) -> Identifier:
    """Over that database; what shops have agreed on is sealed by the master key."""
    return Identifier(SqlIdentityBook(database, master), HttpPublicKeys())
