"""The command about published weights: which there are, getting them, bringing them by hand."""

from __future__ import annotations

import argparse
import json
from typing import Any

from detcore.cli.console import progress_bar, say, table
from detcore.weights.cache import WeightsCache, default_cache
from detcore.weights.catalogue import find_weights, weights_files
from detcore.weights.download import get_weights
from detcore.zoo.catalogue import detectors


def weights(options: argparse.Namespace) -> int:
    cache = default_cache() if options.cache is None else WeightsCache(options.cache.absolute())
    {"list": _list, "get": _get, "add": _add, "where": _where}[options.action](cache, options)
    return 0


def _list(cache: WeightsCache, options: argparse.Namespace) -> None:
    records: list[dict[str, Any]] = [
        {
            "name": file.name,
            "detector": file.detector,
            "options": dict(file.options),
            "learnt": file.learnt,
            "bytes": file.size,
            "sha256": file.sha256,
            "licence": file.licence,
            "url": file.url,
            "package": file.package,
            "path": str(cache.path(file)) if cache.has(file) else None,
        }
        for file in weights_files().values()
    ]
    places = [(spec.id, place) for spec in detectors().values() for place in spec.weights.places]
    if options.json:
        unknown = dict.fromkeys(records[0])
        brought = [
            {
                **unknown,
                "detector": detector,
                "options": dict(place.options),
                "learnt": place.learnt,
                "url": place.url,
            }
            for detector, place in places
        ]
        say(json.dumps([*records, *brought], indent=2))
        return
    rows = [
        (
            file.name,
            file.detector,
            file.learnt,
            file.size_text,
            file.licence,
            file.source,
            "yes" if cache.has(file) else "",
        )
        for file in weights_files().values()
    ]
    say(table(rows, head=("name", "detector", "learnt from", "size", "licence", "source", "here")))
    say(
        "\nTo be loaded by hand, from pages that say their licences; sizes and sums are not known here. Put model.safetensors and "
        "config.json into a folder, and start with --weights FOLDER:"
    )
    rows = [
        (
            detector,
            ", ".join(f"{name}={value}" for name, value in place.options.items()),
            place.learnt,
            place.url,
        )
        for detector, place in places
    ]
    say(table(rows, head=("detector", "options", "learnt from", "page")))


def _get(cache: WeightsCache, options: argparse.Namespace) -> None:
    for file in [find_weights(name) for name in options.names]:
        say(f"{file.name}: {file.size_text}, {file.licence}, from {file.source}")
        with progress_bar(file.name, "B", scaled=True) as progress:
            path = get_weights(file, cache, progress=progress)
        say(f"{file.name} is in {path}")


def _add(cache: WeightsCache, options: argparse.Namespace) -> None:
    with progress_bar("Reading", "B", scaled=True) as progress:
        added = cache.add(options.source, progress=progress)
    for file in added:
        say(f"{file.name} is in {cache.path(file)}")


def _where(cache: WeightsCache, options: argparse.Namespace) -> None:
    """The folder, or a file that is there and whole."""
    say(str(cache.folder if options.name is None else cache.check(find_weights(options.name))))
