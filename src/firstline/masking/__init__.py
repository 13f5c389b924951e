"""Takes secrets, and what looks like them, out of text before it is kept or shown. Pure, and linear in the text's
length: every pattern has a fixed beginning, and repeats either without going back or a bounded number of times."""

from firstline.masking.form import SHORTEST
from firstline.masking.masker import Masker
from firstline.masking.pattern import MASK
from firstline.masking.stream import StreamMasker

__all__ = ["MASK", "SHORTEST", "Masker", "StreamMasker"]
