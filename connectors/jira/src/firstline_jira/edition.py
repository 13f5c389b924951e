"""In what Cloud and Data Center differ: the version of the API, the form of text, and how a person is named."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from firstline.connector import Note
from firstline_jira import adf, wiki
from firstline_jira.fit import LIMIT, cut, units
from firstline_jira.settings import JiraSettings

SECTION = 3_500  # characters of one part of a description, so that all of them fit its limit

Sections = list[tuple[str, str]]  # title and plain text


class Edition(ABC):
    version: ClassVar[str]
    cloud: ClassVar[bool]
    person: ClassVar[str]  # the key by which a person is named

    @property
    def api(self) -> str:
        return f"/rest/api/{self.version}"

    @abstractmethod
    def note(self, note: Note) -> Any:
        """The body of its comment."""

    @abstractmethod
    def words(self, text: str) -> Any:
        """Plain text as the value of a field with more than one line."""

    @abstractmethod
    def same(self, found: Any, body: Any) -> bool:
        """Whether a comment's body, as Jira answers it, says what ours does."""

    def sections(self, parts: Sections) -> Any:
        """A description of them that fits."""
        keep = SECTION
        while self._size(whole := self._compose([(title, cut(text, keep)) for title, text in parts])) > LIMIT:
            keep = keep * 3 // 4
        return whole

    @abstractmethod
    def _compose(self, parts: Sections) -> Any: ...

    @abstractmethod
    def _size(self, whole: Any) -> int: ...


class Cloud(Edition):
    version = "3"
    cloud = True
    person = "accountId"

    def note(self, note: Note) -> Any:
        return adf.render(note)

    def words(self, text: str) -> Any:
        return adf.document(*adf.paragraphs(text))

    def same(self, found: Any, body: Any) -> bool:
        return adf.plain(found).split() == adf.plain(body).split()  # Jira trims and pads blanks

    def _compose(self, parts: Sections) -> Any:
        blocks: list[adf.Node] = []
        for title, text in parts:
            blocks += [adf.heading(title)] if title else []
            blocks += adf.paragraphs(text)
        return adf.document(*blocks)

    def _size(self, whole: Any) -> int:
        return adf.size(whole)


class DataCenter(Edition):
    version = "2"
    cloud = False
    person = "name"

    def note(self, note: Note) -> Any:
        return wiki.render(note)

    def words(self, text: str) -> Any:
        return wiki.plain(text)

    def same(self, found: Any, body: Any) -> bool:
        return str(found or "").split() == str(body).split()

    def _compose(self, parts: Sections) -> Any:
        return wiki.sections(parts)

    def _size(self, whole: Any) -> int:
        return units(whole)


def edition(settings: JiraSettings) -> Edition:
    return Cloud() if settings.deployment == "cloud" else DataCenter()
