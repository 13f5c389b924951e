import pytest

from firstline.declaration.duration import seconds
from firstline.declaration.size import size


@pytest.mark.parametrize(
    ("text", "length"), [("500ms", 0.5), ("1ms", 0.001), ("30s", 30), ("5m", 300), ("1h", 3600), ("0s", 0)]
)
def test_a_duration_is_read_in_seconds(text: str, length: float) -> None:
    assert seconds(text) == length


@pytest.mark.parametrize(
    "text", ["30", 30, "1.5s", "-1s", "1d", "s", "", "30 s", "1h30m", None, True, "999999999h", "٣s"]
)
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"duration|week"):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "length"), [("64KiB", 65536), ("1MiB", 1048576), ("7B", 7), ("1GiB", 1073741824), (512, 512)]
)
def test_a_size_is_read_in_bytes(text: object, length: int) -> None:
    assert size(text) == length


@pytest.mark.parametrize("text", ["64KB", "64", "1.5MiB", 0, -1, "0KiB", 1.5, True, None, ""])
def test_what_is_no_size_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="a size is"):
        size(text)
