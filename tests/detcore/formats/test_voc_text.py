"""VOC: files in any encoding, and in what scripts that paste strings make of XML, are read."""

from __future__ import annotations

import encodings.aliases
from pathlib import Path

import pytest

from detcore.formats.voc.reading import VOC
from tests.detcore.formats.format_samples import save_image, thing, write_xml


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb2312"])
def test_files_in_other_encodings_are_read(tmp_path: Path, encoding: str):
    declared = encoding.removesuffix("-sig")
    text = f"<?xml version='1.0' encoding='{declared}'?><annotation>{thing('中国')}</annotation>"
    (tmp_path / "a.xml").write_bytes(text.encode(encoding))
    save_image(tmp_path / "a.jpg")
    dataset, problems = VOC.read(tmp_path)
    assert [item.name for item in dataset.classes] == ["中国"]
    assert problems == []


def test_undeclared_windows_encoding_is_read_and_reported(tmp_path: Path):
    (tmp_path / "a.xml").write_bytes(f"<annotation>{thing('Mädchen')}</annotation>".encode("cp1252"))
    save_image(tmp_path / "a.jpg")
    dataset, problems = VOC.read(tmp_path)
    assert [item.name for item in dataset.classes] == ["Mädchen"]
    assert "Windows-1252" in str(problems[0])


def test_utf8_that_declares_utf16_is_read_as_what_it_is(tmp_path: Path):
    text = f"<?xml version='1.0' encoding='utf-16'?><annotation>{thing('Mädchen')}</annotation>"
    (tmp_path / "a.xml").write_text(text, "utf-8")  # as .NET's StringWriter and a stream leave it
    save_image(tmp_path / "a.jpg")
    dataset, problems = VOC.read(tmp_path)
    assert [item.name for item in dataset.classes] == ["Mädchen"]
    assert dataset.images[0].boxes[0].xyxy == (10, 20, 30, 40)
    assert "read as UTF-8" in str(problems[0])


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_text_without_a_byte_order_mark_is_read(tmp_path: Path, encoding: str):
    text = f"<?xml version='1.0'?><annotation>{thing('中国')}</annotation>"
    (tmp_path / "a.xml").write_bytes(text.encode(encoding))
    save_image(tmp_path / "a.jpg")
    assert [item.name for item in VOC.read(tmp_path)[0].classes] == ["中国"]


def test_no_name_of_an_encoding_that_a_file_declares_stops_the_import(tmp_path: Path):
    names = {*encodings.aliases.aliases, *encodings.aliases.aliases.values(), "undefined", "idna", "punycode"}
    names |= {"unicode_escape", "mbcs", "oem", "no-such", "utf-7"}
    image = tmp_path / "picture.jpg"
    save_image(image)
    for name in sorted(names):
        text = f"<?xml version='1.0' encoding='{name}'?>\n<annotation>{thing('Käfer')}</annotation>"
        (tmp_path / f"{name}.xml").write_text(text, "utf-8")
        (tmp_path / f"{name}.jpg").hardlink_to(image)
    dataset, _ = VOC.read(tmp_path)
    boxes = {image.path.stem: len(image.boxes) for image in dataset.images}
    assert boxes["undefined"] == boxes["no-such"] == boxes["utf_16"] == 1
    assert len(boxes) == len(names) + 1


@pytest.mark.parametrize("name", ["salt & pepper", "a&b;c", "R&amp;D & Q", "&nbsp;", "x&"])
def test_a_bare_ampersand_is_read_as_it_stands_and_reported(tmp_path: Path, name: str):
    path = write_xml(tmp_path / "a.xml", "\n", thing(name), "<note><![CDATA[&]]></note>", thing("cat"))
    save_image(tmp_path / "a.jpg")
    dataset, problems = VOC.read(tmp_path)
    assert [item.name for item in dataset.classes] == [name.replace("&amp;", "&"), "cat"]
    assert dataset.images[0].labelled
    assert [(problem.path, problem.line) for problem in problems] == [(path, 2)]
    assert dataset.images[0].extra["voc"]["nodes"][0]["text"] == "&"


def test_a_declaration_after_blank_lines_is_no_obstacle(tmp_path: Path):
    (tmp_path / "a.xml").write_text(f"\n\n<?xml version='1.0'?>\n<annotation>{thing()}</annotation>")
    save_image(tmp_path / "a.jpg")
    dataset, problems = VOC.read(tmp_path)
    assert (dataset.box_count, problems) == (1, [])
