"""A sheet for invoices that can write names from all over the world: A4, two fonts.

FiraGO has Latin, Greek, Cyrillic, Arabic, Hebrew, Thai, Georgian and Devanagari, WenQuanYi Micro Hei Chinese, Japanese
and Korean; HarfBuzz joins and orders letters. Both fonts come as Python packages and are embedded, so that every reader
shows the same. What neither has becomes a question mark.
"""

import tempfile
from functools import cache
from importlib import resources
from pathlib import Path

import pymupdf_fonts
from fontTools.ttLib import TTCollection, TTFont
from fpdf import FPDF
from fpdf.enums import XPos, YPos

INK, GREY, LINE, ROUGE = "#1d1b1a", "#6b6663", "#d9d5d2", "#b8235f"
MAIN, EAST = "FiraGO", "East"
MARGIN, WIDTH, LEADING = 22.0, 166.0, 4.6  # mm
# Codes of the package for the two weights we use.
WEIGHTS = {"": "figo", "B": "figbo"}
EAST_FILE = "fonts/wqy-microhei.ttc"


class Paper(FPDF):
    """``head`` stands at the top of each page; ``foot`` is left and right at its end."""

    def __init__(self, *, head: str, foot: tuple[str, str], texts: str) -> None:
        """``texts`` is everything that will be written, so that the large font is read only where it is needed."""
        super().__init__(format="A4")
        self._head, self._foot = head, foot
        for style in WEIGHTS:
            self.add_font(MAIN, style, _main_file(style))
        if _east_letters(texts + head + "".join(foot)):
            for style in WEIGHTS:
                self.add_font(EAST, style, str(resources.files("paperang_p2_fonts_cjk") / EAST_FILE))
            self.set_fallback_fonts([EAST])
        self.set_text_shaping(True)
        self.set_margins(MARGIN, 32, MARGIN)
        self.c_margin = 0
        self.set_auto_page_break(True, 30)
        self.add_page()

    def header(self) -> None:
        self.set_fill_color(ROUGE)
        self.rect(MARGIN, 16, 0.6, 4.4, style="F")  # the playhead of the mark
        self.set_xy(MARGIN + 3, 16)
        self.pen(10, bold=True)
        self.cell(WIDTH, 4.4, drawable(self._head))
        self.set_xy(MARGIN, 32)

    def footer(self) -> None:
        self.set_draw_color(LINE)
        self.line(MARGIN, 276, MARGIN + WIDTH, 276)
        self.pen(7, GREY)
        left, right = self._foot
        self.set_xy(MARGIN, 278)
        self.multi_cell(WIDTH - 40, 3.4, drawable(left), align="L", max_line_height=3.4)
        self.set_xy(MARGIN + WIDTH - 40, 278)
        self.cell(40, 3.4, f"{drawable(right)}, page {self.page_no()}", align="R")

    def pen(self, size: float, colour: str = INK, *, bold: bool = False) -> None:
        """Write on in this size (points), colour and weight."""
        self.set_font(MAIN, "B" if bold else "", size)
        self.set_text_color(colour)

    def put(self, x: float, width: float, text: str, *, align: str = "L", leading: float = LEADING) -> None:
        """Text from ``x`` (mm) on, as many lines as it needs; the next one begins below."""
        self.set_x(x)
        self.multi_cell(width, leading, drawable(text), align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def drawable(text: str) -> str:
    """The text with a question mark for each character that no font has."""
    return "".join(letter if ord(letter) in _letters() or letter in "\n " else "?" for letter in text)


def _east_letters(text: str) -> bool:
    return any(ord(letter) not in _main_letters() for letter in text)


@cache
def _main_file(style: str) -> Path:
    """The package holds its fonts as compressed text; the library reads files."""
    path = Path(_folder().name) / f"{WEIGHTS[style]}.ttf"
    path.write_bytes(pymupdf_fonts.myfont(WEIGHTS[style]))
    return path


@cache
def _folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="studio-fonts-")


@cache
def _main_letters() -> frozenset[int]:
    with TTFont(_main_file(""), lazy=True) as font:
        return frozenset(font.getBestCmap())


@cache
def _letters() -> frozenset[int]:
    with resources.as_file(resources.files("paperang_p2_fonts_cjk") / EAST_FILE) as path, TTCollection(path) as fonts:
        return _main_letters() | frozenset(fonts.fonts[0].getBestCmap())
