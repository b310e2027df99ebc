"""Invoices on paper: names from all over the world, long ones, many lines."""

import io

import pytest
from pypdf import PdfReader

from apps.billing import invoices
from apps.billing.models import Invoice, InvoiceLine
from apps.billing.paper import Paper, drawable
from apps.billing.pdf import invoice_pdf
from tests.billing.test_invoices import use

pytestmark = pytest.mark.django_db

NAMES = {
    "Polish": "Łódź Żółć Sp. z o.o.",
    "Turkish": "İstanbul Dağıtım A.Ş.",
    "Vietnamese": "Nguyễn Thị Ậ",
    "Greek": "Ελληνικά Ώρα Α.Ε.",
    "Cyrillic": "ООО «Здравствуйте» Їжак Қазақстан",
    "Georgian": "თბილისი",
    "Thai": "กรุงเทพมหานคร",
    "simplified Chinese": "上海测试有限公司",
    "traditional Chinese": "臺灣繁體",
    "Japanese": "株式会社カタカナひらがな",
    "Korean": "서울특별시 한국어",
}
JOINED = {"Arabic": "شركة القاهرة", "Persian": "گچ پژ", "Hebrew": "שלום ירושלים", "Hindi": "हिन्दी"}


def pages(invoice: Invoice) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(invoice_pdf(invoice))).pages]


@pytest.fixture
def invoice(workspace):
    use(workspace, 5_377_380)
    return invoices.issue(workspace=workspace)


def test_names_are_written_as_they_are(invoice):
    invoice.buyer["address"] = "\n".join(NAMES.values())
    text = "".join(pages(invoice)[0].split())
    assert [script for script, name in NAMES.items() if "".join(name.split()) not in text] == []


def test_joined_and_right_to_left_writing_has_all_its_letters(invoice):
    """Readers get such text in the order in which it is drawn, so letters are compared and not their order."""
    invoice.buyer["address"] = "\n".join(JOINED.values())
    assert drawable(invoice.buyer["address"]) == invoice.buyer["address"]
    text = set(pages(invoice)[0])
    assert [script for script, name in JOINED.items() if set(name) - {" "} - text] == []


def test_arabic_is_joined_and_runs_from_right_to_left(invoice):
    """Joined, a word takes other shapes and is narrower than its letters one by one."""
    paper = Paper(head="", foot=("", ""), texts="القاهرة")
    paper.pen(10)
    alone = sum(paper.get_string_width(letter) for letter in "القاهرة")
    assert paper.get_string_width("القاهرة") < alone * 0.9


def test_what_no_font_has_becomes_a_question_mark(invoice):
    invoice.buyer["name"] = "Երևան 😀 Films"
    assert drawable(invoice.buyer["name"]) == "????? ? Films"
    assert "????? ? Films" in pages(invoice)[0]


def test_many_lines_go_on_over_pages_with_their_heading(invoice):
    rows = (
        InvoiceLine(invoice=invoice, position=n, text="lipsync-2", project=f"Film {n}", takes=1, frames=25,
                    amount_micros=50_000)
        for n in range(2, 90)
    )  # fmt: skip
    InvoiceLine.objects.bulk_create(rows)
    found = pages(invoice)
    assert len(found) >= 3
    assert all("Amount" in page and f"{invoice.number}, page {n}" in page for n, page in enumerate(found, 1))
    assert "Film 89" in found[-1] and "Total" in found[-1]


def test_a_long_name_takes_more_lines_and_covers_nothing(invoice):
    invoice.buyer["name"] = "Holding and Trading Company of the Northern Harbours " * 4
    text = " ".join(pages(invoice)[0].split())
    assert invoice.buyer["name"].strip() in text
    assert "Due" in text and "To pay" not in text and "$5.37 USD" in text
