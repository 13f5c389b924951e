"""Questions to people: each is answered once, whoever races; the answer starts what follows, in one transaction."""

from firstline.remediation.approval.ask import ask, asked
from firstline.remediation.approval.desk import View, Waiting, look, waiting
from firstline.remediation.approval.elector import NotCounted, barring, electors
from firstline.remediation.approval.end import expire, void
from firstline.remediation.approval.question import Answered, Question, answered, find
from firstline.remediation.approval.vote import Answer, Standing, Verdict, Way, answer, give

__all__ = [
    "Answer",
    "Answered",
    "NotCounted",
    "Question",
    "Standing",
    "Verdict",
    "View",
    "Waiting",
    "Way",
    "answer",
    "answered",
    "ask",
    "asked",
    "barring",
    "electors",
    "expire",
    "find",
    "give",
    "look",
    "void",
    "waiting",
]
