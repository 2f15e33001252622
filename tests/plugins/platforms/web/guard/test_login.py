"""Sessions: signed, timed, ended for good by logging out or by another password."""

from __future__ import annotations

import pytest

from plugins.platforms.web.guard.login import SESSION_S, Login

SECRET = "s" * 64


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def test_only_the_password_is_admitted() -> None:
    login = Login("열려라 참깨", SECRET)
    assert login.admits("열려라 참깨")
    for wrong in ("", "열려라 참깨 ", "열려라", "x" * 100_000, "\udcff", "\x00"):
        assert not login.admits(wrong)


def test_a_session_holds_through_a_restart_until_its_time_is_over() -> None:
    clock = Clock()
    cookie = Login("p", SECRET, clock).open()
    again = Login("p", SECRET, clock)
    assert again.holds(cookie)
    clock.now += SESSION_S - 1
    assert again.holds(cookie)
    clock.now += 1
    assert not again.holds(cookie)


def test_another_password_or_another_installation_ends_every_session() -> None:
    cookie = Login("p", SECRET).open()
    assert not Login("q", SECRET).holds(cookie)
    assert not Login("p", "t" * 64).holds(cookie)


def test_logging_out_ends_one_session_and_no_other() -> None:
    login = Login("p", SECRET)
    mine, yours = login.open(), login.open()
    login.close(mine)
    login.close("nonsense")
    login.close(None)
    assert (login.holds(mine), login.holds(yours)) == (False, True)


@pytest.mark.parametrize("forge", [lambda c: None, lambda c: "", lambda c: "..", lambda c: "é.é.é", lambda c: c + "0"])
def test_a_forged_session_does_not_hold(forge: object) -> None:
    login = Login("p", SECRET)
    assert not login.holds(forge(login.open()))  # type: ignore[operator]


def test_a_session_cannot_be_made_longer() -> None:
    login = Login("p", SECRET)
    end, rest = login.open().split(".", 1)
    assert not login.holds(f"{int(end) + 1}.{rest}")
