"""What a verification finds wrong."""

from dataclasses import dataclass, field

MOST = 1000  # that are kept: who has lost a table need not read each row of it


@dataclass(frozen=True)
class Finding:
    place: str  # a table, or a file
    row: str
    what: str

    def __str__(self) -> str:
        return f"{self.place} {self.row}: {self.what}" if self.row else f"{self.place}: {self.what}"


@dataclass
class Findings:
    told: list[Finding] = field(default_factory=list)
    count: int = 0

    def tell(self, place: str, row: object, what: str) -> None:
        self.count += 1
        if len(self.told) < MOST:
            self.told.append(Finding(place, str(row), what))
