"""Texts at rest: sealed under a key per person, which the master key wraps."""

from __future__ import annotations

import base64
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.errors import OperatorError
from storage.keys import KeyStore, master_key
from storage.rotation import open_keys, rotate

ROOT = Path(__file__).parents[2]
MASTER = bytes(range(32))


def test_a_sealed_text_opens_again_and_never_looks_the_same_twice(keys: KeyStore) -> None:
    one, two = keys.seal("minji", "비밀이야"), keys.seal("minji", "비밀이야")
    assert one != two
    assert "비밀이야".encode() not in one
    assert keys.open("minji", one) == keys.open("minji", two) == "비밀이야"


def test_one_person_cannot_open_what_another_sealed(keys: KeyStore) -> None:
    keys.seal("jun", "")
    with pytest.raises(ValueError, match="does not open"):
        keys.open("jun", keys.seal("minji", "비밀이야"))


def test_a_destroyed_key_leaves_the_text_dark_for_ever(keys: KeyStore) -> None:
    sealed = keys.seal("minji", "비밀이야")
    assert keys.destroy("minji")
    assert not keys.destroy("minji")
    with pytest.raises(KeyError):
        keys.open("minji", sealed)
    keys.seal("minji", "새 글")
    with pytest.raises(ValueError, match="does not open"):
        keys.open("minji", sealed)


def test_a_second_process_opens_what_the_first_sealed(tmp_path: Path) -> None:
    one, two = KeyStore(tmp_path / "k.db", MASTER), KeyStore(tmp_path / "k.db", MASTER)
    assert two.open("minji", one.seal("minji", "안녕")) == "안녕"


def test_a_wrong_master_key_is_refused_and_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "k.db"
    sealed = KeyStore(path, MASTER).seal("minji", "안녕")
    before = path.read_bytes()
    with pytest.raises(OperatorError, match="does not open"):
        KeyStore(path, bytes(32))
    assert path.read_bytes() == before
    assert KeyStore(path, MASTER).open("minji", sealed) == "안녕"


def test_the_first_start_makes_a_key_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "new" / "master.key"
    environ = {"MAUM_MASTER_KEY_FILE": str(path)}
    assert master_key(environ) == master_key(environ)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_key_from_the_environment_is_taken_and_a_bad_one_named(tmp_path: Path) -> None:
    assert master_key({"MAUM_MASTER_KEY": base64.b64encode(MASTER).decode()}) == MASTER
    with pytest.raises(OperatorError, match=r"MAUM_MASTER_KEY must be the base64 of 32"):
        master_key({"MAUM_MASTER_KEY": "short"})


def test_the_key_file_does_not_say_who_a_key_belongs_to(keys: KeyStore, tmp_path: Path) -> None:
    keys.seal(keys.name("discord", "123456789"), "안녕")
    assert b"123456789" not in (tmp_path / "keys" / "people.db").read_bytes()


def test_a_key_that_another_process_destroys_is_gone_here_too(tmp_path: Path) -> None:
    one, two = KeyStore(tmp_path / "k.db", MASTER), KeyStore(tmp_path / "k.db", MASTER)
    sealed = one.seal("minji", "비밀이야")
    assert two.destroy("minji")
    with pytest.raises(KeyError):
        one.open("minji", sealed)


def test_a_new_master_key_opens_all_and_pseudonyms_stay(tmp_path: Path) -> None:
    environ = {"MAUM_MASTER_KEY_FILE": str(tmp_path / "master.key")}
    path = tmp_path / "k.db"
    before = open_keys(path, environ)
    sealed, alias, old = before.seal("minji", "안녕"), before.derive("alias"), master_key(environ)
    before.close()
    assert rotate(path, environ) == 1
    assert master_key(environ) != old
    assert list(tmp_path.glob("*.next")) == []
    after = open_keys(path, environ)
    assert (after.open("minji", sealed), after.derive("alias")) == ("안녕", alias)
    with pytest.raises(OperatorError, match="does not open"):
        KeyStore(path, old)


def test_a_key_of_the_environment_is_replaced_by_the_one_beside_it(tmp_path: Path) -> None:
    path, new = tmp_path / "k.db", base64.b64encode(bytes(32)).decode()
    environ = {"MAUM_MASTER_KEY": base64.b64encode(MASTER).decode()}
    sealed = open_keys(path, environ).seal("minji", "안녕")
    with pytest.raises(OperatorError, match="MAUM_NEW_MASTER_KEY"):
        rotate(path, environ)
    assert rotate(path, environ | {"MAUM_NEW_MASTER_KEY": new}) == 1
    assert open_keys(path, {"MAUM_MASTER_KEY": new}).open("minji", sealed) == "안녕"
    with pytest.raises(OperatorError, match="does not open"):
        rotate(path, environ | {"MAUM_NEW_MASTER_KEY": new})


ROTATE = """
import os, sys
from pathlib import Path
from storage.rotation import rotate
print("go", flush=True)
while True:
    rotate(Path(sys.argv[1]))
"""


def test_killed_in_the_middle_of_a_rotation_the_store_opens_whole(tmp_path: Path) -> None:
    path = tmp_path / "k.db"
    keys = open_keys(path)
    sealed = {name: keys.seal(name, name) for name in map(str, range(200))}
    keys.close()
    for wait_s in (0.0, 0.02, 0.05, 0.11):
        with subprocess.Popen([sys.executable, "-c", ROTATE, path], stdout=subprocess.PIPE, cwd=ROOT) as rotating:
            assert rotating.stdout is not None
            rotating.stdout.readline()
            time.sleep(wait_s)
            rotating.kill()
        keys = open_keys(path)
        assert all(keys.open(name, text) == name for name, text in sealed.items())
        keys.close()
