"""An invoice on paper: A4, black on white, one column of figures."""

from fpdf.enums import TableBordersLayout, TextEmphasis
from fpdf.fonts import FontFace

from apps.billing.models import Invoice, InvoiceLine, InvoiceStatus
from apps.billing.paper import GREY, INK, LEADING, LINE, MARGIN, WIDTH, Paper, drawable
from apps.billing.templatetags.money import cents, exact_dollars

FACTS_WIDTH, FACT_NAME = 74.0, 22.0  # mm
SUMS_WIDTH, SUM_FIGURE = 88.0, 34.0
COLUMNS = (62, 44, 14, 20, 26)  # For, Project, Takes, Frames, Amount; mm, together WIDTH
SPACED, FLUSH = (1.4, 2.0, 1.4, 0.0), (1.4, 0.0, 1.4, 0.0)  # around a cell; figures of the last column end at the edge
HEAD = FontFace(color=GREY, size_pt=7.5, emphasis=TextEmphasis.NONE)


def invoice_pdf(invoice: Invoice) -> bytes:
    """The PDF of an invoice, as many pages as its lines need."""
    lines = list(invoice.lines.all())
    words = [*invoice.issuer.values(), *invoice.buyer.values(), invoice.tax_note]
    words += [text for line in lines for text in (line.text, line.project)]
    paper = Paper(head=invoice.issuer["name"], foot=(_issuer(invoice), invoice.number), texts="".join(words))
    paper.set_title(f"Invoice {invoice.number}")
    paper.set_author(invoice.issuer["name"])
    paper.set_lang("en")
    paper.pen(17, bold=True)
    paper.put(MARGIN, WIDTH, "Invoice", leading=8)
    paper.ln(5)
    _parties(paper, invoice)
    paper.ln(8)
    _lines(paper, lines)
    paper.ln(5)
    _sums(paper, invoice)
    paper.ln(8)
    _notes(paper, invoice)
    return bytes(paper.output())


def _issuer(invoice: Invoice) -> str:
    issuer = invoice.issuer
    place = ", ".join(filter(None, [issuer["name"], *issuer["address"].split("\n")]))
    return f"{place}  VAT {issuer['vat_id']}" if issuer["vat_id"] else place


def _parties(paper: Paper, invoice: Invoice) -> None:
    """Who pays on the left, the facts on the right; the next thing begins below the longer of the two."""
    buyer, top = invoice.buyer, paper.get_y()
    address = [buyer["name"], *buyer["address"].splitlines(), buyer["country"]]
    if buyer["vat_id"]:
        address.append(f"VAT {buyer['vat_id']}")
    paper.pen(7.5, GREY)
    paper.put(MARGIN, WIDTH - FACTS_WIDTH - 8, "Billed to")
    paper.pen(8.5)
    for line in filter(None, address):
        paper.put(MARGIN, WIDTH - FACTS_WIDTH - 8, line)
    left_end = paper.get_y()
    paper.set_y(top)
    facts = (
        ("Invoice", invoice.number),
        ("Issued", f"{invoice.issued_at:%-d %B %Y}"),
        ("Due", f"{invoice.due_at:%-d %B %Y}"),
        ("Period", f"{invoice.period_start:%-d %B} to {invoice.period_end:%-d %B %Y}"),
        ("Status", _status(invoice)),
    )
    for name, value in facts:
        _pair(paper, MARGIN + WIDTH - FACTS_WIDTH, FACT_NAME, FACTS_WIDTH - FACT_NAME, name, value)
    paper.set_y(max(left_end, paper.get_y()))


def _pair(paper: Paper, x: float, first: float, second: float, name: str, value: str, bold: bool | None = None) -> None:
    """A name and its value on one line; ``bold`` None: the name in grey."""
    paper.set_x(x)
    paper.pen(7.5 if bold is None else 8.5, GREY if bold is None else INK, bold=bool(bold))
    paper.cell(first, LEADING, name)
    paper.pen(8.5, bold=bool(bold))
    paper.cell(second, LEADING, value, align="R")
    paper.ln(LEADING)


def _lines(paper: Paper, lines: list[InvoiceLine]) -> None:
    paper.pen(8.5)
    paper.set_draw_color(LINE)
    paper.set_line_width(0.2)
    with paper.table(
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        col_widths=COLUMNS,
        width=WIDTH,
        align="LEFT",
        text_align=("LEFT", "LEFT", "RIGHT", "RIGHT", "RIGHT"),
        v_align="TOP",
        line_height=LEADING,
        padding=SPACED,
        headings_style=HEAD,
    ) as table:
        rows = [("For", "Project", "Takes", "Frames", "Amount"), *[_cells(line) for line in lines]]
        for *cells, amount in rows:
            row = table.row(cells)
            row.cell(amount, padding=FLUSH)


def _cells(line: InvoiceLine) -> tuple[str, ...]:
    takes = f"{line.takes:,}" if line.takes else ""
    frames = "" if line.frames is None else f"{line.frames:,}"
    return drawable(line.text), drawable(line.project), takes, frames, exact_dollars(line.amount_micros)


def _sums(paper: Paper, invoice: Invoice) -> None:
    rows = [("Net, rounded down to a cent", cents(invoice.net_cents), False)]
    if invoice.tax_permille:
        rows.append((f"Tax, {invoice.tax_permille / 10:g} %", cents(invoice.tax_cents), False))
    rows.append(("Total", f"{cents(invoice.total_cents)} USD", True))
    if invoice.applied_cents:
        applied = "From credit and earlier payments" if invoice.applied_cents > 0 else "Owed from before"
        rows.append((applied, cents(-invoice.applied_cents), False))
        rows.append(("To pay", f"{cents(invoice.due_cents)} USD", True))
    if paper.will_page_break(LEADING * len(rows)):
        paper.add_page()
    for name, value, bold in rows:
        _pair(paper, MARGIN + WIDTH - SUMS_WIDTH, SUMS_WIDTH - SUM_FIGURE, SUM_FIGURE, name, value, bold)


def _notes(paper: Paper, invoice: Invoice) -> None:
    if invoice.tax_note:
        paper.pen(8.5)
        paper.put(MARGIN, WIDTH, invoice.tax_note)
    paper.pen(7.5, GREY)
    paper.put(MARGIN, WIDTH, "Frames are counted at 25 a second of lipsynced output, whole frames only.")


def _status(invoice: Invoice) -> str:
    if invoice.status == InvoiceStatus.PAID and invoice.paid_at:
        return f"Paid {invoice.paid_at:%-d %B %Y}"
    return "Open"
