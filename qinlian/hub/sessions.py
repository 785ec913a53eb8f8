"""Ending what is open under an account: browsers that are signed in, and tokens."""

from __future__ import annotations

from typing import Any

from jupyterhub import orm
from sqlalchemy.orm import Session

__all__ = ["end_sessions"]


def end_sessions(db: Session, user: orm.User, keep: str = "") -> None:
    """Make every cookie and token of ``user`` void but those of the browser session ``keep``.

    The caller sets that browser's cookie anew. The tokens that running servers report to the Hub with stay: no
    browser knows them, and without them the server would look dead.
    """
    user.cookie_id = orm.new_token()
    servers = {_token_of(db, user, spawner) for spawner in user._orm_spawners}
    for token in db.query(orm.APIToken).filter_by(user_id=user.id):
        if token.id not in servers and not (keep and token.session_id == keep):
            db.delete(token)
    db.query(orm.OAuthCode).filter_by(user_id=user.id).delete()
    db.commit()


def _token_of(db: Session, user: orm.User, spawner: Any) -> int | None:
    """The token that JupyterHub made for a running server, a moment before it noted the server's start."""
    if spawner.server is None or spawner.started is None:
        return None
    tokens = db.query(orm.APIToken).filter_by(
        user_id=user.id, client_id="jupyterhub", session_id=None, note=f"Server at {spawner.server.base_url}"
    )
    # A person could give a token of their own the same note, but not in that moment.
    newest = tokens.filter(orm.APIToken.created <= spawner.started).order_by(orm.APIToken.created.desc()).first()
    return None if newest is None else newest.id
