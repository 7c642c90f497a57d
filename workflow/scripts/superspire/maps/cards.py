"""Cards of FITS headers, of which only those that are needed are read.

A card that nobody asks for may be as damaged as it likes. One that is asked for is read
leniently (numbers in quotes, keywords in lower case) or refused; it is never replaced
by a default.
"""

import re
import warnings

from astropy.io import fits

NUMBER = re.compile(
    r"[=\s]*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?)\s*(?:/.*)?", re.DOTALL
)
"""A number, perhaps with a comment that was left in the string."""

ROOT = "ROOTHEAD"
"""Keyword that begins the copy of a parent file's header (H-ATLAS cutouts)."""


class Cards:
    """The cards of a header by keyword.

    Parameters
    ----------
    header : astropy.io.fits.Header
        The header. What follows ROOTHEAD describes another file: it counts where the
        header itself has no such card.
    """

    def __init__(self, header):
        self._cards, self._overruled = {}, {}
        own = None
        for card in header.cards:
            keyword = card.keyword.rstrip("= ").upper()
            if keyword == ROOT:
                own = own or frozenset(self._cards)
            if own and keyword in own:
                self._overruled[keyword] = card
            else:
                self._cards.setdefault(keyword, []).append(card)

    def __contains__(self, key):
        """Whether there is a card of this keyword."""
        return key in self._cards

    def keywords(self, pattern):
        """List the keywords that match a pattern as a whole.

        Parameters
        ----------
        pattern : str
            Regular expression.

        Returns
        -------
        list of str
        """
        return [key for key in self._cards if re.fullmatch(pattern, key)]

    def overruled(self, keys):
        """List those of some keywords that the other header gives another value."""
        return [
            key
            for key in keys
            if key in self._overruled
            and not same([self._overruled[key], *self._cards[key]])
        ]

    def images(self, key):
        """List the cards of a keyword as they stand in the file."""
        return [card.image for card in self._cards.get(key, [])]

    def text(self, key):
        """Read a card as text.

        Parameters
        ----------
        key : str
            Keyword.

        Returns
        -------
        str
            With single spaces; empty if there is no such card or no value in it.

        Raises
        ------
        ValueError
            If the header repeats the keyword with different values, or the card holds
            what is no text.
        """
        cards = self._cards.get(key, [])
        values = list(dict.fromkeys(map(read_text, cards)))
        if not same(cards):
            raise ValueError(f"{key} repeated with different values ({listed(values)})")
        return values[0] if values else ""

    def number(self, key):
        """Read a card as a number.

        Parameters
        ----------
        key : str
            Keyword.

        Returns
        -------
        float or None
            None if there is no such card.

        Raises
        ------
        ValueError
            If it is no finite number, or repeated with different values.
        """
        if key not in self:
            return None
        text = self.text(key)
        value = as_number(text)
        if value is None:
            raise ValueError(f"{key} = {text!r}, which is no number")
        return value


def read_text(card):
    """Read the value of a card as text, empty if it has none."""
    try:
        value = card.value
    except fits.VerifyError:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = fits.Card.fromstring(card.image).value
    if value is None or isinstance(value, fits.card.Undefined):
        return ""
    return " ".join(str(value).split())


def as_number(text):
    """Read a finite number; None if the text is none."""
    match = NUMBER.fullmatch(text)
    value = float(match[1].upper().replace("D", "E")) if match else float("nan")
    return value if abs(value) < float("inf") else None


def same(cards):
    """Whether cards give one value, numbers however they are spelt."""
    texts = set(map(read_text, cards))
    numbers = set(map(as_number, texts))
    return len(texts) <= 1 or (len(numbers) == 1 and None not in numbers)


def listed(values):
    """List some values for a message."""
    return ", ".join(values[:3]) + (", ..." if values[3:] else "")
