"""Encryption at rest: every person has a data key of their own, wrapped by the operator's master key.

Texts are sealed with AES-256-GCM (NIST SP 800-38D; 96-bit random nonce in front). Data keys live in a small SQLite file
apart from the database, which `maum db backup` never copies: destroying a person's key makes every copy of their texts
unreadable, backups too. The master key comes from MAUM_MASTER_KEY, or from a file of mode 600 made at first start; it
can be changed (storage/rotation.py), as it only wraps the keys: pseudonyms and names come from a secret beside them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.errors import OperatorError

NONCE = 12
KEY_BYTES = 32
MAX_REMEMBERED = 50_000
CHECK = "master-key-check"  # the row of the secret that pseudonyms, names and cookies are derived from


class WrongKeyError(OperatorError):
    """The master key is another one than the key store was made with."""


def master_key(environ: Mapping[str, str] = os.environ) -> bytes:
    """The operator's 32-byte key: from the environment, or from the key file, which is made when there is none.

    Raises:
        OperatorError: the key is no base64 of 32 bytes, or the file cannot be read or written.
    """
    if encoded := environ.get("MAUM_MASTER_KEY"):
        return decode(encoded, "MAUM_MASTER_KEY")
    path = master_key_file(environ)
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_key(path)
        return decode(path.read_text(encoding="ascii"), str(path))
    except OSError as error:
        raise OperatorError(f"cannot use the key file {path}: {error.strerror}; set MAUM_MASTER_KEY_FILE") from None


def master_key_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the master key lies when the environment does not hold it."""
    return Path(environ.get("MAUM_MASTER_KEY_FILE") or Path.home() / ".config/maum/master.key")


def write_key(path: Path) -> None:
    """Write a new random key to a file that is not there yet, for its owner's eyes only, and on the disk for good."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
        file.flush()
        os.fsync(descriptor)


def decode(encoded: str, where: str) -> bytes:
    """A master key from its base64.

    Raises:
        OperatorError: it is none; names `where` it came from.
    """
    try:
        key = base64.b64decode(encoded.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise OperatorError(f"{where} must be the base64 of {KEY_BYTES} random bytes (openssl rand -base64 32)")
    return key


class KeyStore:
    """Seals and opens texts. `path` is the file of wrapped keys."""

    def __init__(self, path: Path, master: bytes) -> None:
        self._wrap = _wrapping(master)
        self._cache: dict[str, AESGCM] = {}
        self._version = 0
        self._lock = threading.RLock()  # storage's threads and the event loop's seal and open
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            path.chmod(0o600)
            for pragma in ("journal_mode=DELETE", "synchronous=FULL", "secure_delete=ON", "busy_timeout=10000"):
                self._db.execute(f"PRAGMA {pragma}")
            self._db.execute("CREATE TABLE IF NOT EXISTS person_keys (name TEXT PRIMARY KEY, wrapped BLOB NOT NULL)")
        except (OSError, sqlite3.Error) as error:
            raise OperatorError(
                f"cannot use the key store {path}: {error}; set MAUM_STATE_DIR to a writable folder"
            ) from None
        self._root = self._check(path, master)

    def close(self) -> None:
        self._db.close()

    def derive(self, purpose: str) -> str:
        """A secret for another purpose (cookie signing, pseudonyms); it stays when the master key is changed."""
        return hmac.digest(self._root, f"maum {purpose}".encode(), "sha256").hex()

    def name(self, platform: str, person_id: str) -> str:
        """The person's name in the key store: a keyed hash, so that the file alone says nothing about who they are."""
        return self.derive(f"person {platform} {person_id}")[:32]

    def seal(self, name: str, text: str) -> bytes:
        """Encrypt a text under a person's key; the key is made at first use, and is on disk before this returns."""
        nonce = secrets.token_bytes(NONCE)
        return nonce + self._key(name, create=True).encrypt(nonce, text.encode(), name.encode())

    def open(self, name: str, sealed: bytes) -> str:
        """Decrypt.

        Raises:
            KeyError: the person's key is gone, so the text is too.
            ValueError: the text was changed, or sealed under another key.
        """
        return self.opener(name)(sealed)

    def opener(self, name: str) -> Callable[[bytes], str]:
        """`open` for many texts of one person: the key is looked up once. Raises KeyError at once."""
        key, associated = self._key(name), name.encode()

        def open_(sealed: bytes) -> str:
            try:
                return key.decrypt(sealed[:NONCE], sealed[NONCE:], associated).decode()
            except InvalidTag:
                raise ValueError("a sealed text does not open with its person's key") from None

        return open_

    def ensure(self, name: str) -> None:
        """Make the person's key if there is none: who has a row has a key, and who has no key was forgotten."""
        self._key(name, create=True)

    async def probe(self) -> None:
        """Raises what using the store would raise now."""
        self.has(CHECK)

    def has(self, name: str) -> bool:
        with self._lock:
            return self._db.execute("SELECT 1 FROM person_keys WHERE name = ?", (name,)).fetchone() is not None

    def destroy(self, name: str) -> bool:
        """Destroy the only key to a person's texts. True when there was one."""
        with self._lock:
            self._cache.pop(name, None)
            return self._db.execute("DELETE FROM person_keys WHERE name = ?", (name,)).rowcount > 0

    def rotate(self, master: bytes) -> int:
        """Wrap every key anew under another master key, all in one transaction; returns how many people's."""
        wrap = _wrapping(master)
        self._db.execute("BEGIN IMMEDIATE")
        try:
            rows = self._db.execute("SELECT name, wrapped FROM person_keys").fetchall()
            for name, wrapped in rows:
                key = self._root if name == CHECK else self._unwrap(name, wrapped)
                self._db.execute("UPDATE person_keys SET wrapped = ? WHERE name = ?", (_wrapped(wrap, name, key), name))
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._wrap = wrap
        return len(rows) - 1

    def _key(self, name: str, *, create: bool = False) -> AESGCM:
        with self._lock:
            (version,) = self._db.execute("PRAGMA data_version").fetchone()
            if version != self._version:  # another process changed the file: it may have destroyed a key we remember
                self._cache.clear()
                self._version = version
            if name not in self._cache:
                row = self._db.execute("SELECT wrapped FROM person_keys WHERE name = ?", (name,)).fetchone()
                if row is None:
                    if not create:
                        raise KeyError(name)
                    row = (self._add(name, secrets.token_bytes(KEY_BYTES)),)
                if len(self._cache) >= MAX_REMEMBERED:
                    self._cache.clear()
                self._cache[name] = AESGCM(self._unwrap(name, row[0]))
            return self._cache[name]

    def _add(self, name: str, key: bytes) -> bytes:
        self._db.execute("INSERT OR IGNORE INTO person_keys VALUES (?, ?)", (name, _wrapped(self._wrap, name, key)))
        (stored,) = self._db.execute("SELECT wrapped FROM person_keys WHERE name = ?", (name,)).fetchone()
        return bytes(stored)  # another process may have been first

    def _unwrap(self, name: str, wrapped: bytes) -> bytes:
        return self._wrap.decrypt(wrapped[:NONCE], wrapped[NONCE:], name.encode())

    def _check(self, path: Path, master: bytes) -> bytes:
        row = self._db.execute("SELECT wrapped FROM person_keys WHERE name = ?", (CHECK,)).fetchone()
        try:
            root = self._unwrap(CHECK, row[0] if row else self._add(CHECK, secrets.token_bytes(KEY_BYTES)))
            return root if any(root) else master  # the first stores had no secret of their own yet
        except InvalidTag:
            self._db.close()
            raise WrongKeyError(
                f"the master key does not open {path}: set MAUM_MASTER_KEY or MAUM_MASTER_KEY_FILE to the key this "
                "state was made with (nothing was changed)"
            ) from None


def _wrapping(master: bytes) -> AESGCM:
    return AESGCM(hashlib.sha256(b"maum wrap" + master).digest())


def _wrapped(wrap: AESGCM, name: str, key: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE)
    return nonce + wrap.encrypt(nonce, key, name.encode())
