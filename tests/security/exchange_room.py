"""Collecting from an exchange with stock nbgrader's collect or with ours."""

from __future__ import annotations

import logging

from nbgrader.exchange.default import ExchangeCollect
from traitlets.config import Config

from tests.classroom import Classroom
from tests.sample import MODULE


def collect(room: Classroom, kind: type[ExchangeCollect], *, check_owner: bool = False, **traits: object) -> None:
    """Run one of the two collects as ``nbgrader collect`` does."""
    setting = room.setting
    config = Config(setting.config)
    config.QinlianCollect.check_owner = config.ExchangeCollect.check_owner = check_owner
    kind(
        coursedir=setting.fresh_coursedir(MODULE.id),
        authenticator=setting.authenticator(),
        config=config,
        log=logging.getLogger("qinlian.grading"),
        **traits,
    ).start()
