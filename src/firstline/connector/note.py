"""What is written on records for people."""

from pydantic import Field

from firstline.connector.value import Value


class Fact(Value):
    """One line of a note: what it is called and what it is."""

    label: str
    value: str


class Note(Value):
    """What we write on a record for people to read. The connector renders it in the vendor's own form, cuts it to the
    vendor's limit from the middle of `output`, and puts `key` where it can find it again (an entity property where the
    vendor has them, else a last line)."""

    key: str = Field(description="Same key, same note.")
    headline: str
    facts: tuple[Fact, ...] = ()
    body: str = Field(default="", description="Plain text; blank lines part paragraphs.")
    output: str = Field(default="", description="What a command printed; shown unchanged in a fixed-width font.")
    public: bool = Field(default=False, description="Visible to the caller or customer. Internal unless asked for.")
    tried: bool = Field(
        default=True,
        description="An earlier attempt may have reached the vendor: look for the key before writing. False saves that "
        "request; the hub says so only when its log proves that no attempt was made.",
    )


class Attachment(Value):
    """A file for a record, such as the full log of a run."""

    key: str = Field(description="Same key, same attachment: found again by it, never attached twice.")
    name: str = Field(description="A plain file name, such as firstline-log.txt.")
    media_type: str = "text/plain; charset=utf-8"
    content: bytes
    tried: bool = Field(default=True, description="As `Note.tried`: look for the key before attaching.")
