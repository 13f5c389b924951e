"""What is masked, what stays, and that no text makes it slow."""

import base64
import html
import json
import re
import shlex
import string
import subprocess
import uuid
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from firstline.masking import MASK, Masker
from firstline.masking.masker import LEARNED

WORDS = st.text(string.ascii_lowercase + " .,\n", max_size=60)
SECRETS = st.text(string.ascii_letters + string.digits + "!%&/()=?+-_#~'\"\\<> äé", min_size=12, max_size=80).filter(
    lambda text: text == text.strip()
)

plain = Masker()


def wrapped(text: str, width: int) -> str:
    return "\n".join(text[at : at + width] for at in range(0, len(text), width))


@given(secret=SECRETS, before=WORDS, after=WORDS, width=st.integers(8, 76))
def test_a_known_secret_shows_in_no_form(secret: str, before: str, after: str, width: int) -> None:
    mask = Masker([secret])
    inner = secret.encode()
    forms = [secret, quote(secret, safe=""), quote_plus(secret), html.escape(secret), json.dumps(secret)[1:-1]]
    for form in forms:
        assume(form not in before and form not in after)
        assert form not in mask(f"{before}{form}{after}")
        assert form not in mask(f"{before} {wrapped(form, width)} {after}").replace("\n", "")
    for offset in range(3):
        encoded = base64.b64encode(b"-" * offset + inner).decode()
        core = encoded[2 if offset else 0 : len(encoded) - 4]
        assert core not in mask(f"{before} {wrapped(encoded, width)} {after}").replace("\n", "")


@given(text=st.text(max_size=300), secrets=st.lists(SECRETS, max_size=3))
def test_what_is_masked_is_not_changed_by_masking_it_again(text: str, secrets: list[str]) -> None:
    mask = Masker(secrets)
    once = mask(" ".join([text, *secrets, "password=", *secrets]))
    assert mask(once) == once


@given(text=WORDS)
def test_plain_words_stay(text: str) -> None:
    assert plain(text) == text


ODD = 'p@ss "w\'rd" <x> & \\ $y + é/!'


def as_go_has_it(text: str) -> str:
    plain = json.dumps(text, ensure_ascii=False)[1:-1]
    return plain.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")


def as_dot_net_has_it(text: str) -> str:
    kept = string.ascii_letters + string.digits + " -_.~!#$%()*,/:;=?@[]^{|}"
    return "".join(each if each in kept else r"\\" if each == "\\" else rf"\u{ord(each):04X}" for each in text)


WRITTEN = {
    "JSON by Go": as_go_has_it(ODD),
    "JSON by PHP": json.dumps(ODD)[1:-1].replace("/", r"\/"),
    "JSON by .NET": as_dot_net_has_it(ODD),
    "JSON in JSON": json.dumps(json.dumps(ODD)[1:-1])[1:-1],
    "a URL in a URL": quote(quote(ODD, safe=""), safe=""),
    "Base64 in a URL": quote(base64.b64encode((ODD * 3).encode()).decode().rstrip("=")),
    "HTML by Go": html.escape(ODD).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
    "XML": html.escape(ODD).replace("&#x27;", "&apos;"),
    "XML between tags": html.escape(ODD, quote=False),
    "SQL": ODD.replace("'", "''"),
    "Python": repr(ODD)[1:-1],
    "Python's ASCII": ascii(ODD)[1:-1],
    "Python's bytes": repr(ODD.encode())[2:-1],
    "shlex": shlex.quote(ODD)[1:-1],
    "hexadecimal": ODD.encode().hex(),
    "hexadecimal in capitals": ODD.encode().hex().upper(),
    "hexadecimal in lines": wrapped(ODD.encode().hex(), 60),
}


@pytest.mark.parametrize("form", WRITTEN.values(), ids=WRITTEN)
def test_a_secret_is_masked_however_it_is_written(form: str) -> None:
    secret = ODD * 3 if form == WRITTEN["Base64 in a URL"] else ODD
    assert Masker([secret])(f"begin {form} end") == f"begin {MASK} end"


@pytest.mark.parametrize("secret", [ODD, "it's a b*d $one; `x` \\ [y]", "two\nlines 'of' it"])
@pytest.mark.parametrize("script", ['set -x; : "$1"', 'printf %q "$1"'])
def test_what_bash_shows_of_a_secret_is_masked(script: str, secret: str) -> None:
    shown = subprocess.run(["bash", "-c", script, "bash", secret], capture_output=True, text=True, check=True)
    told = Masker([secret])(f"{shown.stdout}{shown.stderr}")
    assert MASK in told
    assert re.fullmatch(r"(\+ set -x\n)?(\+ : )?\$?'?\[masked\]'?\n?", told)


def test_a_secret_in_a_secret_document_is_a_secret_by_itself() -> None:
    key = "-----BEGIN PRIVATE" + f" KEY-----\n{'M' * 64}\n-----END PRIVATE" + " KEY-----\n"
    document = {"type": "service_account", "private_key": key, "more": [{"db": {"password": "hunter22"}}]}
    mask = Masker([json.dumps(document, indent=1)])
    assert mask("it is hunter22 of a service_account") == f"it is {MASK} of a service_account"
    assert mask("M" * 64) == MASK
    assert Masker(['{"password": '])("a password") == "a password"


def test_a_secret_cut_at_either_end_of_the_text_is_masked() -> None:
    secret = "Zx81-correct-horse-battery"
    mask = Masker([secret])
    assert mask(f"it printed {secret[:15]}") == f"it printed {MASK}"
    assert mask(f"{secret[9:]} was printed") == f"{MASK} was printed"


def test_a_secret_of_several_lines_is_masked_line_by_line() -> None:
    lines = ["-----BEGIN SOMETHING-----", "c2VjcmV0LWxpbmUtb25l", "c2VjcmV0LWxpbmUtdHdv"]
    shown = Masker(["\n".join(lines)])("| c2VjcmV0LWxpbmUtb25l\n| c2VjcmV0LWxpbmUtdHdv\n")
    assert shown == f"| {MASK}\n| {MASK}\n"


def test_the_password_in_a_secret_address_is_a_secret_by_itself() -> None:
    mask = Masker(["postgresql://hub:pa%2Fss-word@db/firstline"])
    assert mask("FATAL: pa/ss-word is wrong") == f"FATAL: {MASK} is wrong"


def test_a_short_secret_masks_no_ordinary_words() -> None:
    assert Masker(["abc"])("abcdef") == "abcdef"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password=hunter2 next", f"password={MASK} next"),
        ('DB_PASSWORD="two words" next', f'DB_PASSWORD="{MASK}" next'),
        ("secret = s3cr3t", f"secret = {MASK}"),
        ("https://x/?token=abc&page=2", f"https://x/?token={MASK}&page=2"),
        ('{"api_key": "abc", "page": 2}', f'{{"api_key": "{MASK}", "page": 2}}'),
        ('"{\\"password\\": \\"a b\\"}"', f'"{{\\"password\\": \\"{MASK}\\"}}"'),
        ("password: letmein\nnext", f"password: {MASK}\nnext"),
        ("routing_key: R0123456789ABCDEF", f"routing_key: {MASK}"),
        ("tool --token abcdef --verbose", f"tool --token {MASK} --verbose"),
        ("Authorization: Basic dXNlcjpwYXNz", f"Authorization: Basic {MASK}"),
        ("authorization: Token token=y_NbAkKc66", f"authorization: Token {MASK}"),
        ("sent Bearer abcdef0123456789xyz now", f"sent Bearer {MASK} now"),
        ("Set-Cookie: session=abc; HttpOnly\nnext", f"Set-Cookie: {MASK}\nnext"),
        ("postgresql://hub:p@ss@db:5432/x", f"postgresql://hub:{MASK}@db:5432/x"),
    ],
)
def test_what_is_assigned_to_a_secrets_name_is_masked_and_the_name_stays(text: str, shown: str) -> None:
    assert plain(text) == shown


# In two parts, so that no scanner takes this file for a leak.
@pytest.mark.parametrize(
    ("begin", "rest"),
    [
        ("AKIA", "ABCDEFGHIJKLMNOP"),
        ("ghp_", "a1B2c3D4e5F6g7H8i9J0k1L2"),
        ("github_pat_", "a1B2c3D4e5F6g7H8i9J0k1L2"),
        ("glpat-", "a1B2c3D4e5F6g7H8i9J0"),
        ("xoxb-", "123456789012-abcdefghij"),
        ("hooks.slack.com/services/", "T00000000/B00000000/abcdefghijklmnop"),
        ("u+", "a1B2c3D4e5F6g7H8i9"),
        ("ATATT3", "xFfGF0a1B2c3D4e5F6g7H8i9J0"),
        ("AIza", "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q"),
        ("s.", "a1B2c3D4e5F6g7H8i9J0k1L2"),
        ("b.", "a1B2c3D4e5F6g7H8i9J0k1L2.x9Y8z7"),
        ("eyJ", "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"),
        ("fl_", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0-_x"),
    ],
)
def test_a_token_is_known_by_its_shape(begin: str, rest: str) -> None:
    assert plain(f"found {begin}{rest} there") == f"found {MASK} there"


def test_a_private_key_is_masked_whole_and_also_without_its_beginning() -> None:
    body = "\n".join(["M" * 64] * 3 + ["Q=="])
    begin, end = "-----BEGIN RSA PRIVATE" + " KEY-----", "-----END RSA PRIVATE" + " KEY-----"
    assert plain(f"a\n{begin}\n{body}\n{end}\nb") == f"a\n{MASK}\nb"
    assert plain(f"a\n{body}\n{end}\nb") == f"a\n{MASK}\nb"
    assert "M" * 20 not in plain(f"a\n{begin}\n{body}")


@pytest.mark.parametrize(
    "text",
    [
        "9d385017c611228701d22104cc95c371",
        f"sha256:{'0a1b2c3d' * 8}",
        str(uuid.UUID(int=7)),
        "the token has expired; token: expired",
        "firstline.secrets.abcdefghijklmnopqrstuvwx, e.g. it is a.s.abcdefghijklmnopqrstuvwx and s.done",
        "password required, no token given, the secret: never tell",
        "basic configuration management, bearer of news",
        "http://127.0.0.1:8480/remediations/01K and mail to a@b.example",
        "tokens=5 max_tokens: 100 keyboard=x monkey: 4711",
        "fl_write_back_record fl_remediation",
        "if token == other and password != other:",
        "password: null, token: true",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert plain(text) == text


def test_a_value_is_masked_however_deep_and_wholly_under_a_secrets_name() -> None:
    mask = Masker(["correct-horse"])
    value = {"a": ["x correct-horse", 7, None], "client_secret": "any", "token": "", "b": {"c": ("correct-horse",)}}
    assert mask.deep(value) == {
        "a": [f"x {MASK}", 7, None],
        "client_secret": MASK,
        "token": "",
        "b": {"c": [MASK]},
    }


def test_a_secret_that_is_learned_later_is_masked_from_then_on_also_in_a_text_seen_before() -> None:
    mask = Masker(["correct-horse"])
    assert mask("battery-staple") == "battery-staple"
    mask.learn(["battery-staple"])
    assert mask("battery-staple") == MASK
    assert mask("correct-horse") == MASK


def test_of_many_that_are_learned_the_oldest_is_forgotten_and_one_learned_again_is_not_old() -> None:
    mask = Masker(["correct-horse"])
    mask.learn(f"lease-number-{at}." for at in range(LEARNED))
    mask.learn(["lease-number-0."])
    mask.learn(["battery-staple"])
    assert (
        mask("lease-number-0. lease-number-1. battery-staple correct-horse") == f"{MASK} lease-number-1. {MASK} {MASK}"
    )


SIZE = 100_000
HOSTILE = [
    "a", " ", "-", '"', '\\"', "--a", "token=", "password: ", "eyJ", "eyJaaaaaaa.", "://", "://a:", "http://a:b@",
    "--password ", "authorization: ", "bearer ", "cookie: ", "-----BEGIN PRIVATE KEY-----", "private key ", "\r\n \t",
    "private key" + "A" * 64 + "\n", "password\"    :", "u+ pd", "xox", "secret",
]  # fmt: skip


def test_a_text_made_to_hold_up_the_patterns_is_done_with() -> None:
    """A pattern that looks at each place again for each other would take hours here."""
    mask = Masker(["correct-horse-battery"])
    for piece in HOSTILE:
        text = piece * (SIZE // len(piece))
        assert len(mask(text)) <= 2 * len(text)
