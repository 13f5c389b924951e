"""What the documents show can be loaded."""

import re
from pathlib import Path

import pytest

from firstline.settings import load

DOCS = Path(__file__).parents[3] / "docs"
EXAMPLES = [
    pytest.param(found, id=f"{name}-{at}")
    for name in ("reference/secrets.md", "how-to/keep-secrets.md")
    for at, found in enumerate(re.findall(r"```toml\n(.*?)```", (DOCS / name).read_text(encoding="utf-8"), re.S))
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_of_settings_is_read(tmp_path: Path, example: str) -> None:
    (tmp_path / "firstline.toml").write_text(example, encoding="utf-8")
    found = load(tmp_path)
    assert found.vault or found.secrets_.key or found.secrets_.names


def test_the_examples_of_the_documents_are_found() -> None:
    assert len(EXAMPLES) == 7
