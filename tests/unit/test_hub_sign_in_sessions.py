"""Ending what is open under an account, in JupyterHub's own database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from jupyterhub import orm
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from qinlian.hub.sessions import end_sessions

NOW = datetime.now(UTC).replace(tzinfo=None)


@pytest.fixture
def db() -> Iterator[Session]:
    engine = create_engine("sqlite://")
    orm.Base.metadata.create_all(engine)
    session = Session(engine)
    session.add_all(orm.OAuthClient(identifier=name) for name in ("jupyterhub", "service-staff"))
    session.commit()
    yield session
    session.close()


def user_with(db: Session, name: str) -> orm.User:
    user = orm.User(name=name)
    db.add(user)
    db.commit()
    return user


def token(db: Session, user: orm.User, note: str = "", session: str | None = None, age: float = 60) -> str:
    """A token as JupyterHub makes them; returns its text."""
    text = orm.new_token()
    client = "service-staff" if session else "jupyterhub"
    orm.APIToken.new(token=text, user=user, note=note, session_id=session, oauth_client=client_of(db, client))
    made = orm.APIToken.find(db, text)
    made.created = NOW - timedelta(seconds=age)
    db.commit()
    return text


def client_of(db: Session, name: str) -> orm.OAuthClient:
    return db.query(orm.OAuthClient).filter_by(identifier=name).one()


def alive(db: Session, text: str) -> bool:
    return orm.APIToken.find(db, text) is not None


def test_cookies_and_tokens_of_all_sessions_end_but_of_the_one_that_asked(db: Session):
    user, other = user_with(db, "ql1"), user_with(db, "ql2")
    before, others = user.cookie_id, other.cookie_id
    here, there = token(db, user, session="here"), token(db, user, session="there")
    personal, somebody = token(db, user), token(db, other, session="there")
    end_sessions(db, user, keep="here")
    assert user.cookie_id != before
    assert other.cookie_id == others
    assert [alive(db, text) for text in (here, there, personal, somebody)] == [True, False, False, True]


def test_without_a_session_to_keep_everything_ends(db: Session):
    user = user_with(db, "ql1")
    texts = [token(db, user, session=""), token(db, user, session="a"), token(db, user)]
    end_sessions(db, user)
    assert [alive(db, text) for text in texts] == [False, False, False]


def test_the_token_of_a_running_server_stays_and_one_that_bears_its_name_does_not(db: Session):
    user, note = user_with(db, "ql1"), "Server at /user/ql1/"
    server = orm.Server(base_url="/user/ql1/")
    user._orm_spawners.append(orm.Spawner(name="", server=server, started=NOW - timedelta(seconds=59)))
    db.commit()
    older, own, forged = (token(db, user, note, age=age) for age in (3600, 60, 5))
    end_sessions(db, user)
    assert [alive(db, text) for text in (older, own, forged)] == [False, True, False]


def test_a_stopped_server_keeps_nothing(db: Session):
    user = user_with(db, "ql1")
    user._orm_spawners.append(orm.Spawner(name="", server=None, started=NOW))
    db.commit()
    text = token(db, user, "Server at /user/ql1/")
    end_sessions(db, user)
    assert not alive(db, text)
