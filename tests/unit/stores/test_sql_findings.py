"""Why a connection or a statement fails: each cause stands in the guide, and shows no name."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import exc

from bridge import StoreUnavailable
from bridge.config import Names
from bridge.stores.sql import connecting, postgresql_errors
from bridge.stores.sql.errors import meaning
from bridge.stores.sql.tables import Tables
from tests.servers import ROOT

GUIDE = (ROOT / "bridge/cli/README.md").read_text(encoding="utf-8")
KNOWN = [(cause.what, cause.remedy) for cause in connecting._CAUSES]
KNOWN += [(what, remedy) for _, what, remedy in postgresql_errors._TO_MEND]
KNOWN += [(what, remedy) for _, what, remedy in postgresql_errors._UNAVAILABLE]


def told(words: str) -> Any:
    error = exc.OperationalError(None, None, Exception(words))
    return meaning(error, "postgresql://h/p", Tables(Names()))


@pytest.mark.parametrize(("what", "remedy"), KNOWN)
def test_each_cause_has_a_remedy_in_the_guide(what: str, remedy: str) -> None:
    assert f"`{what}`" in GUIDE
    assert remedy


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("FATAL:  désolé, trop de clients sont déjà connectés", "no connection left"),
        ("FATAL:  le système de bases de données se lance", "starting, stopping or recovering"),
        ("FATAL:  le rôle « lea » n'est pas autorisé à se connecter", "the role may not log in"),
        ("FATAL:  droit refusé pour la base de données « p »", "may not use this database"),
        ("[Errno -3] Temporary failure in name resolution", "cannot be resolved now"),
        ("SSL error: certificate has expired", "not valid today"),
    ],
)
def test_french_and_rare_words_are_understood(words: str, what: str) -> None:
    assert what in str(told(words))
    assert "lea" not in str(told(words)).replace("least", "")


def test_unknown_words_are_shown_without_names() -> None:
    error = told('something new about user "lea" and «  marie  »\nmore')
    assert isinstance(error, StoreUnavailable)
    assert "something new about user … and …" in str(error)
    assert "lea" not in str(error)
    assert "marie" not in str(error)
