"""Whether each secret can be had, and is kept from others. Names are told, values never."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from firstline.errors import FirstlineError
from firstline.finding import Finding
from firstline.masking import SHORTEST
from firstline.secret.reader import References
from firstline.secret.reference import reference
from firstline.secret.settings import SecretGrant, SecretSettings

OTHERS = 0o077  # may read, write or run it


def look(references: References, named: Mapping[str, str], secrets: SecretSettings) -> list[Finding]:
    """`named`: the references in the settings, by where they stand. Reads each; changes nothing."""
    found = [_read(where, partial(references.resolve, text, where)) for where, text in named.items()]
    found += [_granted(references, name, grant) for name, grant in secrets.names.items()]
    return [*found, *_stored(references), *_open_to_others(references, secrets)]


def _read(subject: str, read: Callable[[], str], who: str = "") -> Finding:
    try:
        value = read()
    except FirstlineError as error:
        return Finding(ok=False, subject=subject, message=str(error))
    if len(value.strip()) < SHORTEST:
        words = f"has less than {SHORTEST} characters: it is not masked where it shows"
        return Finding(ok=False, subject=subject, message=words, mend="take a longer one")
    return Finding(ok=True, subject=subject, message=f"can be read{who}")


def _granted(references: References, name: str, grant: SecretGrant) -> Finding:
    where = f"secrets.names.{name}"
    who = f", for the packs {', '.join(grant.packs)}" if grant.packs else ", for no pack: no runbook may have it"
    return _read(where, lambda: references.read({where: reference(grant.from_)})[0], who)


def _stored(references: References) -> Iterator[Finding]:
    store = references.store
    try:
        kept = store.names()
        newest = store.key.id if kept else ""
    except FirstlineError as error:
        yield Finding(ok=False, subject="the store", message=str(error))
        return
    for name, envelope in kept.items():
        seen = _read(f"store:{name}", partial(store.get, name))
        if seen.ok and envelope.key != newest:
            mend = "`firstline secret rotate` wraps it with secrets.key"
            seen = Finding(ok=False, subject=seen.subject, message="is wrapped with an old key", mend=mend)
        yield seen


def _open_to_others(references: References, secrets: SecretSettings) -> Iterator[Finding]:
    keys = [key.removeprefix("file:") for key in (secrets.key, *secrets.old_keys) if key and key.startswith("file:")]
    for path in (references.store.path, *map(Path, keys)):
        if path.exists() and path.stat().st_mode & OTHERS:
            yield Finding(ok=False, subject=str(path), message="is open to other accounts", mend=f"chmod 600 {path}")
