"""VOC: what Reticle does not use comes back as it was or is reported, and never breaks the file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detcore.formats.base import Dataset, Problem
from detcore.formats.voc.reading import VOC
from tests.detcore.formats.format_samples import BOUNDS, box, dataset_of, save_image

WRITTEN = "out/VOCdevkit/VOC2012/Annotations/a.xml"


def read(folder: Path, *, root: str = "", head: str = "", start: str = "<object>", inner: str = ""):
    folder.mkdir(parents=True, exist_ok=True)
    save_image(folder / "a.jpg")
    thing = f"{start}<name>cat</name>{BOUNDS}{inner}</object>"
    (folder / "a.xml").write_text(f"<annotation{root}>{head}{thing}</annotation>", "utf-8")
    return VOC.read(folder)


def written_again(dataset: Dataset, folder: Path) -> tuple[Dataset, list[Problem]]:
    VOC.write(dataset, folder / "out")
    ElementTree.parse(folder / WRITTEN)  # as torchvision does
    return VOC.read(folder / "out")


@pytest.mark.parametrize(
    "parts",
    [
        {"inner": '<x:camera xmlns:x="http://x.org/1">A</x:camera>'},
        {"root": ' xmlns:x="http://x.org/1"', "inner": "<x:camera><x:lens/></x:camera>", "head": "<x:day/>"},
        {"start": '<object xmlns:x="u" x:id="7" id="8">', "inner": '<camera x:make="1"/>'},
        {"inner": '<camera xmlns="http://x.org/1"><lens xml:lang="de">weit</lens></camera>'},
        {"inner": "<note>two <b>bold</b> <i>words</i> here</note>"},
        {"inner": "<note>  blanks &#13;&#10; and\nlines </note>"},
        {"inner": "<größe einheit='m'>3</größe>"},
        {"head": "<![CDATA[]]><note><![CDATA[<b> & ]]></note>"},
    ],
)
def test_foreign_elements_come_back_as_they_were(tmp_path: Path, parts: dict[str, str]):
    dataset, problems = read(tmp_path / "in", **parts)
    again, problems_again = written_again(dataset, tmp_path)
    assert problems + problems_again == []
    (before,), (after,) = dataset.images, again.images
    assert after.boxes == before.boxes
    assert after.extra == before.extra
    assert before.extra or before.boxes[0].extra


def test_a_prefix_and_its_namespace_reach_the_written_file(tmp_path: Path):
    dataset, _ = read(tmp_path / "in", inner='<x:camera xmlns:x="http://x.org/1">A</x:camera>')
    written_again(dataset, tmp_path)
    root = ElementTree.parse(tmp_path / WRITTEN).getroot()
    assert root.findtext("object/{http://x.org/1}camera") == "A"
    assert "<x:camera" in (tmp_path / WRITTEN).read_text()


def test_text_between_elements_keeps_its_place(tmp_path: Path):
    note = "<note>two <b>bold</b> <i>words</i> here</note>"
    dataset, _ = read(tmp_path / "in", inner=note)
    VOC.write(dataset, tmp_path / "out")
    assert note in (tmp_path / WRITTEN).read_text()


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"root": ' xmlns="http://x.org/1"'}, "namespace for the whole file"),
        ({"inner": BOUNDS}, "another <bndbox>"),
        ({"head": "<size unit='px'><width>100</width></size>"}, "attributes of <size>"),
        ({"inner": "<difficult by='Ann'>1</difficult>"}, "more than text in <difficult>"),
        ({"inner": "by Ann"}, "text between the elements of <object>"),
        ({"inner": "<!-- by Ann -->"}, "comments"),
    ],
)
def test_what_is_not_kept_is_reported(tmp_path: Path, parts: dict[str, str], said: str):
    dataset, problems = read(tmp_path / "in", **parts)
    assert dataset.box_count == 1
    assert [said in problem.message for problem in problems] == [True]
    again, problems = written_again(dataset, tmp_path)
    assert (again.box_count, problems) == (1, [])


def test_a_prefix_that_is_declared_nowhere_is_left_out_of_the_export_and_counted(tmp_path: Path):
    dataset, _ = read(tmp_path / "in", inner="<x:camera>A</x:camera><note>kept</note>")
    report = VOC.write(dataset, tmp_path / "out")
    assert any("1 element or attribute kept from an import" in loss for loss in report.losses)
    root = ElementTree.parse(tmp_path / WRITTEN).getroot()
    assert [node.tag for node in root[-1]][-2:] == ["bndbox", "note"]


def test_elements_that_version_0_1_kept_under_their_namespace_are_written_with_a_prefix(tmp_path: Path):
    kept = {"voc": {"nodes": [{"tag": "{http://x.org/1}camera", "attributes": {"{u}a": "1"}, "text": "A"}]}}
    written_again(dataset_of(tmp_path / "in", {"a.jpg": [box(0, 1, 2, 3, 4, extra=kept)]}), tmp_path)
    node = ElementTree.parse(tmp_path / WRITTEN).getroot().find("object/{http://x.org/1}camera")
    assert node is not None
    assert (node.text, node.attrib) == ("A", {"{u}a": "1"})


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(["note", "x:note", "{u}note", "a b", "bndbox", "object", "1", "", ":", "xmlns", "<"])
names |= st.text(min_size=1, max_size=4)
elements = st.deferred(
    lambda: st.fixed_dictionaries(
        {"tag": names},
        optional={
            "text": st.text(max_size=8),
            "attributes": st.dictionaries(names | st.just("xmlns:x"), st.text(max_size=4), max_size=3),
            "children": st.lists(elements, max_size=2),
        },
    )
)
kept_fields = st.fixed_dictionaries(
    {},
    optional={
        "nodes": st.lists(elements | anything, max_size=3) | anything,
        "bndbox": st.lists(elements, max_size=2) | anything,
        "size": st.lists(elements, max_size=2) | anything,
        "attributes": st.dictionaries(names | st.just("xmlns:x"), st.text(max_size=4), max_size=3) | anything,
        "depth": anything,
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(image=kept_fields, thing=kept_fields)
def test_whatever_a_project_keeps_the_file_is_well_formed_and_reads_back(image: Any, thing: Any):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dataset = dataset_of(folder / "in", {"a.jpg": [box(0, 10, 20, 30, 40, extra={"voc": thing})]})
        (one,) = dataset.images
        marked = Dataset(
            classes=dataset.classes,
            images=[
                type(one)(
                    path=one.path, name=one.name, width=100, height=80, boxes=one.boxes, extra={"voc": image}
                )
            ],
            image_root=dataset.image_root,
        )
        once, _ = written_again(marked, folder)
        (found,) = once.images
        assert [item.xyxy for item in found.boxes] == [(10, 20, 30, 40)]
        VOC.write(once, folder / "twice")
        (again,) = VOC.read(folder / "twice")[0].images
        assert (again.extra, again.boxes) == (found.extra, found.boxes)


texts = st.text(alphabet="ab <>&'\"\n\t\r\u00e9\u4e2d", max_size=8)
tags = st.sampled_from(["note", "x:note", "part", "y:z", "größe", "a.b", "_"])
trees = st.deferred(
    lambda: st.builds(
        lambda tag, space, text, children, attributes: element(tag, space, text, children, attributes),
        tags,
        st.sampled_from(["", ' xmlns:x="u"', ' xmlns:x="u" xmlns:y="v"', ' xmlns="w"']),
        texts,
        st.lists(st.tuples(trees, texts), max_size=2),
        st.dictionaries(st.sampled_from(["id", "größe", "xml:lang", "x:id"]), texts, max_size=2),
    )
)


def element(
    tag: str, space: str, text: str, children: list[tuple[str, str]], attributes: dict[str, str]
) -> str:
    from xml.sax.saxutils import escape, quoteattr

    said = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    inner = escape(text) + "".join(child + escape(tail) for child, tail in children)
    return f"<{tag}{space}{said}>{inner}</{tag}>"


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(head=trees, inner=trees, root=st.sampled_from(["", ' xmlns:x="u" xmlns:y="v"', ' id="3"']))
def test_any_element_that_a_file_may_hold_comes_back(head: str, inner: str, root: str):
    """Or is left out with a word, where its prefix is declared nowhere."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dataset, _ = read(folder / "in", root=root, head=head, inner=inner)
        report = VOC.write(dataset, folder / "out")
        ElementTree.parse(folder / WRITTEN)
        (before,), (after,) = dataset.images, VOC.read(folder / "out")[0].images
        if not any("no XML file can hold" in loss for loss in report.losses):
            assert (after.extra, after.boxes) == (before.extra, before.boxes)
