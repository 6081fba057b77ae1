"""The monthly report as a Word document: the same words and tables as the page, in styles a clerk can change."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from models.text import storable
from serve.insight.report import RATES_AT, Report, Table, shown

if TYPE_CHECKING:
    from docx.document import Document

FONTS = {"Normal": "宋体", "Title": "黑体", "Heading 2": "黑体"}
"""Fonts for Chinese by style: those every Word in China has."""


def report_docx(report: Report) -> bytes:
    """Return the bytes of a .docx with the report on A4."""
    import docx
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Cm, Pt, RGBColor

    document = docx.Document()
    page = document.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin = page.right_margin = Cm(2.6)
    _set_fonts(document)
    document.core_properties.title = storable(report.title)
    document.core_properties.author = document.core_properties.comments = ""
    document.core_properties.language = "zh-CN"
    title = document.add_paragraph(storable(report.title), style="Title")
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    summary = document.add_paragraph(storable(report.summary))
    summary.paragraph_format.first_line_indent = Pt(22)
    summary.paragraph_format.line_spacing = 1.5
    for i, table in enumerate(report.tables):
        document.add_heading(storable(table.title), level=2)
        _add(document, table)
        for note in report.notes if i == RATES_AT else ():
            run = document.add_paragraph().add_run(storable(note))
            run.font.color.rgb = RGBColor(0x7A, 0x43, 0x00)
    last = document.add_paragraph().add_run(storable(report.source))
    last.font.size = Pt(9)
    made = io.BytesIO()
    document.save(made)
    return made.getvalue()


def _set_fonts(document: Document) -> None:
    """Set the fonts of the styles; Word keeps the font of Chinese characters in an attribute of its own."""
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    styles: Any = document.styles
    for name, font in FONTS.items():
        style = styles[name]
        style.font.name = "Times New Roman"
        style.font.color.rgb = RGBColor(0, 0, 0)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for theme in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
            fonts.attrib.pop(qn(theme), None)
        fonts.set(qn("w:eastAsia"), font)
    for name, size in (("Normal", 11), ("Title", 20), ("Heading 2", 13)):
        styles[name].font.size = Pt(size)


def _add(document: Document, table: Table) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    if not table.rows:
        document.add_paragraph("本月没有")
        return
    made = document.add_table(rows=1, cols=len(table.headings), style="Table Grid")
    for cell, words in zip(made.rows[0].cells, table.headings, strict=True):
        cell.paragraphs[0].add_run(storable(words)).bold = True
    for row in table.rows:
        for cell, value in zip(made.add_row().cells, row, strict=True):
            cell.text = storable(shown(value))
            if isinstance(value, int | float):
                cell.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.RIGHT
