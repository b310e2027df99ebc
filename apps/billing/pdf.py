"""An invoice on paper: A4, black on white, one column of figures. Drawn by ReportLab, without network or files."""

from io import BytesIO
from pathlib import Path
from xml.sax.saxutils import escape

import reportlab
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate, Paragraph, Spacer, Table, TableStyle

from apps.billing.models import Invoice, InvoiceStatus
from apps.billing.templatetags.money import cents, exact_dollars

INK, GREY, LINE, ROUGE = HexColor("#1d1b1a"), HexColor("#6b6663"), HexColor("#d9d5d2"), HexColor("#b8235f")
MARGIN = 22 * mm
WIDTH = A4[0] - 2 * MARGIN
FONT, BOLD = "Vera", "VeraBd"
# Vera lies in ReportLab itself. Unlike the 14 built-in fonts it is embedded, so that every reader shows the same.
for _name in (FONT, BOLD):
    pdfmetrics.registerFont(TTFont(_name, str(Path(reportlab.__file__).parent / "fonts" / f"{_name}.ttf")))

TEXT = ParagraphStyle("text", fontName=FONT, fontSize=8.5, leading=12.5, textColor=INK)
RIGHT = ParagraphStyle("right", TEXT, alignment=2)
SMALL = ParagraphStyle("small", TEXT, textColor=GREY, fontSize=7.5, leading=11)
SMALL_RIGHT = ParagraphStyle("small right", SMALL, alignment=2)
HEAD = ParagraphStyle("head", TEXT, fontName=BOLD, fontSize=17, leading=22)
STRONG = ParagraphStyle("strong", TEXT, fontName=BOLD)
STRONG_RIGHT = ParagraphStyle("strong right", STRONG, alignment=2)


def invoice_pdf(invoice: Invoice) -> bytes:
    """The PDF of an invoice, as many pages as its lines need."""
    file = BytesIO()
    document = BaseDocTemplate(
        file,
        pagesize=A4,
        title=f"Invoice {invoice.number}",
        author=invoice.issuer["name"],
        leftMargin=MARGIN,
        rightMargin=MARGIN,
    )
    frame = Frame(MARGIN, 30 * mm, WIDTH, A4[1] - 62 * mm, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)

    def furniture(canvas: Canvas, _: BaseDocTemplate) -> None:
        _head(canvas, invoice)
        _foot(canvas, invoice)

    document.addPageTemplates([PageTemplate(id="page", frames=[frame], onPage=furniture)])
    document.build([*_parties(invoice), Spacer(1, 9 * mm), _lines(invoice), Spacer(1, 5 * mm), *_ending(invoice)])
    return file.getvalue()


def _head(canvas: Canvas, invoice: Invoice) -> None:
    top = A4[1] - 20 * mm
    canvas.setFillColor(ROUGE)
    canvas.rect(MARGIN, top - 1, 1.6, 12, stroke=0, fill=1)  # the playhead of the mark
    canvas.setFillColor(INK)
    canvas.setFont(BOLD, 10)
    canvas.drawString(MARGIN + 8, top + 1, _safe(invoice.issuer["name"]))


def _foot(canvas: Canvas, invoice: Invoice) -> None:
    canvas.setStrokeColor(LINE)
    canvas.line(MARGIN, 21 * mm, A4[0] - MARGIN, 21 * mm)
    canvas.setFillColor(GREY)
    canvas.setFont(FONT, 7)
    place = ", ".join(filter(None, [invoice.issuer["name"], *invoice.issuer["address"].split("\n")]))
    vat = f"  VAT {invoice.issuer['vat_id']}" if invoice.issuer["vat_id"] else ""
    canvas.drawString(MARGIN, 16.5 * mm, _safe(f"{place}{vat}")[:130])
    canvas.drawRightString(A4[0] - MARGIN, 16.5 * mm, f"{invoice.number}, page {canvas.getPageNumber()}")


def _parties(invoice: Invoice) -> list[Flowable]:
    buyer = invoice.buyer
    address = [buyer["name"], *buyer["address"].splitlines(), buyer["country"]]
    if buyer["vat_id"]:
        address.append(f"VAT {buyer['vat_id']}")
    facts = [
        ("Invoice", invoice.number),
        ("Issued", f"{invoice.issued_at:%-d %B %Y}"),
        ("Due", f"{invoice.due_at:%-d %B %Y}"),
        ("Period", f"{invoice.period_start:%-d %B} to {invoice.period_end:%-d %B %Y}"),
        ("Status", _status(invoice)),
    ]
    to = [Paragraph("Billed to", SMALL), *[_paragraph(line, TEXT) for line in address if line]]
    table = Table(
        [[Paragraph(name, SMALL), _paragraph(value, RIGHT)] for name, value in facts], colWidths=[22 * mm, 52 * mm]
    )
    table.setStyle(_tight())
    both = Table([[to, table]], colWidths=[WIDTH - 74 * mm, 74 * mm])
    both.setStyle(_tight())
    return [Paragraph("Invoice", HEAD), Spacer(1, 5 * mm), both]


def _lines(invoice: Invoice) -> Table:
    rows = [
        [
            Paragraph("For", SMALL),
            Paragraph("Takes", SMALL_RIGHT),
            Paragraph("Frames", SMALL_RIGHT),
            Paragraph("Amount", SMALL_RIGHT),
        ]
    ]
    for line in invoice.lines.all():
        what = escape(_safe(line.text))
        if line.project:
            what += f'<br/><font size="7.5" color="#6b6663">{escape(_safe(line.project))}</font>'
        rows.append(
            [
                Paragraph(what, TEXT),
                Paragraph(f"{line.takes:,}" if line.takes else "", RIGHT),
                Paragraph(f"{line.frames:,}" if line.frames is not None else "", RIGHT),
                Paragraph(exact_dollars(line.amount_micros), RIGHT),
            ]
        )
    table = Table(rows, colWidths=[WIDTH - 78 * mm, 18 * mm, 26 * mm, 34 * mm], repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("LINEBELOW", (0, 0), (-1, -1), 0.5, LINE),
                ("LEFTPADDING", (0, 0), (0, -1), 0),
                ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ]
        )
    )
    return table


def _ending(invoice: Invoice) -> list[Flowable]:
    tax = f"Tax, {invoice.tax_permille / 10:g} %"
    rows = [("Net, rounded down to a cent", cents(invoice.net_cents), False)]
    if invoice.tax_permille:
        rows.append((tax, cents(invoice.tax_cents), False))
    rows.append(("Total", f"{cents(invoice.total_cents)} USD", True))
    if invoice.applied_cents:
        rows.append(("From credit and earlier payments", cents(-invoice.applied_cents), False))
        rows.append(("To pay", f"{cents(invoice.due_cents)} USD", True))
    table = Table(
        [
            [Paragraph(name, STRONG if bold else TEXT), Paragraph(value, STRONG_RIGHT if bold else RIGHT)]
            for name, value, bold in rows
        ],
        colWidths=[54 * mm, 34 * mm],
        hAlign="RIGHT",
    )
    table.setStyle(_tight())
    notes: list[Flowable] = [Spacer(1, 9 * mm)]
    if invoice.tax_note:
        notes.append(_paragraph(invoice.tax_note, TEXT))
    notes.append(Paragraph("Frames are counted at 25 a second of lipsynced output, whole frames only.", SMALL))
    return [table, *notes]


def _status(invoice: Invoice) -> str:
    if invoice.status == InvoiceStatus.PAID and invoice.paid_at:
        return f"Paid {invoice.paid_at:%-d %B %Y}"
    return "Open"


def _tight() -> TableStyle:
    return TableStyle(
        [
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 1),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ]
    )


def _paragraph(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(_safe(text)), style)


def _safe(text: str) -> str:
    """Text with only the characters that the font has; others become a question mark instead of a black box."""
    glyphs = pdfmetrics.getFont(FONT).face.charToGlyph
    return "".join(letter if ord(letter) in glyphs else "?" for letter in text.replace("\N{MINUS SIGN}", "-"))
