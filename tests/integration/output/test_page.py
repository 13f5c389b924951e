"""What a run prints, on the hub's pages: live, from the beginning, without a script."""

import re

import httpx
from tests.integration.output.conftest import GATE, Desk, Print, Printing

from firstline.testing.loopback import ask

HOSTILE = r"""printf '<script>alert(1)</script>\n\033[31mred\033[0m\n'; echo '</pre><img src=x onerror=alert(1)>' >&2
printf '\033]8;;https://evil.example\033\\good\033]8;;\033\\\n10%%\r100%%\n\342\200\256txet\n'"""


def fetch(desk: Desk, path: str) -> httpx.Response:
    return ask("GET", f"{desk.hub.url}{path}", cookies={"firstline": desk.hub.token}, timeout=60)


def frame(printing: Printing) -> str:
    """The address of what grows in the page of a remediation."""
    page = fetch(printing.desk, f"/remediations/{printing.remediation}").text
    return re.findall(r'<iframe src="([^"]+)"', page)[0].replace("&amp;", "&")  # type: ignore[no-any-return]


def test_the_page_of_a_remediation_shows_what_ran_coloured_and_as_text(prints: Print) -> None:
    printing = prints(HOSTILE)
    row = printing.end()
    page = fetch(printing.desk, f"/remediations/{printing.remediation}")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert '<span class="err">&lt;/pre&gt;&lt;img src=x onerror=alert(1)&gt;\n</span>' in page.text
    assert '<span class="f1">red</span>' in page.text
    assert "10%\\r100%" in page.text
    assert "\\u202etxet" in page.text
    assert "evil.example" not in page.text
    assert "<script" not in page.text
    assert "<iframe" not in page.text
    assert f"/runs/{row['id']}/log" in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'none'" in policy


def test_the_page_of_a_remediation_grows_while_it_runs(prints: Print) -> None:
    printing = prints(f"echo trouble >&2; {GATE}; echo second; {GATE}; echo third")
    printing.so_far("trouble")
    seen, gates = "", ["second", "third"]
    cookies = {"firstline": printing.desk.hub.token}
    url = printing.desk.hub.url + frame(printing)
    with httpx.stream("GET", url, cookies=cookies, trust_env=False, timeout=60) as answer:
        assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
        for text in answer.iter_text():
            seen += text
            expected = {2: "trouble", 1: "second", 0: "third"}[len(gates)]
            if expected in seen and gates:
                gates.pop(0)
                printing.go()
    assert "mended it\n" in seen
    assert '<span class="err">trouble\n</span>' in seen
    assert seen.index("second") < seen.index("third") < seen.index(">succeeded<")
    assert seen.endswith("</html>\n")
    assert "<iframe" not in fetch(printing.desk, f"/remediations/{printing.remediation}").text


def test_who_comes_late_sees_a_run_from_its_beginning(prints: Print) -> None:
    printing = prints(f"{GATE}; echo second")
    printing.so_far()
    printing.go()
    printing.end()
    page = fetch(printing.desk, f"/remediations/{printing.remediation}/runs/{printing.run}").text
    assert "mended it\nsecond\n" in page
    feed = fetch(printing.desk, f"/remediations/{printing.remediation}/output").text
    assert "it is mended on shop" in feed
    assert "mended it\nsecond\n" in feed


def test_of_what_is_long_the_page_shows_both_ends_and_the_way_to_all_of_it(printed: Printing) -> None:
    page = fetch(printed.desk, f"/remediations/{printed.remediation}").text
    assert "mended it\n" in page
    assert "\n40000\n" in page
    assert "bytes of the log are not shown here" in page
    assert "\n20000\n" not in page
    numbers: list[str] = []
    path = f"/remediations/{printed.remediation}/runs/{printed.run}"
    address: str | None = path
    while address:
        one = fetch(printed.desk, address).text
        numbers += re.findall(r"^\d+$", re.sub("<[^>]*>", "\n", one), re.M)
        following = re.search(r'href="([^"]+offset=\d+)"', one)
        address = following[1] if following else None
    assert numbers == [str(number) for number in range(1, 40_001)]


def test_a_run_that_is_not_there_or_not_of_the_remediation_is_a_missing_page(printed: Printing) -> None:
    for path in (f"{printed.remediation}/runs/absent", f"absent/runs/{printed.run}", "absent/output"):
        assert fetch(printed.desk, f"/remediations/{path}").status_code == 404
    anonymous = ask("GET", f"{printed.desk.hub.url}/remediations/{printed.remediation}/output")
    assert anonymous.status_code == 303
