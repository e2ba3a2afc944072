"""Prints the licence of every package that Reticle needs, and fails at one that would bind all of Reticle."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
UNKNOWN = "unknown"
_BINDING = re.compile(r"\bA?GPL|(?<!Lesser )General Public License", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    name: str
    version: str
    licence: str

    @property
    def binds(self) -> bool:
        """Whether every licence that it may be taken under asks all of Reticle to have it as well."""
        return all(_BINDING.search(choice) for choice in re.split(r"\s+OR\s+", self.licence))


def licence_of(package: Distribution) -> str:
    """As its metadata says, the newest field first. Some hold the whole text of a licence in place of its name."""
    fields = package.metadata
    expression, stated = (
        "".join(fields.get_all(name) or ()).strip() for name in ("License-Expression", "License")
    )
    if expression:
        return expression
    if stated and "\n" not in stated:
        return stated
    kinds = [
        line.rpartition(" :: ")[2] for line in fields.get_all("Classifier") or () if "License ::" in line
    ]
    return " OR ".join(kinds) or stated.partition("\n")[0] or UNKNOWN


def needed(requirements: Iterable[str]) -> Iterator[Package]:
    """The packages that these requirements bring here, each once; what is not installed here is left out."""
    waiting, seen = [Requirement(text) for text in requirements], set[tuple[str, frozenset[str]]]()
    told = set[str]()
    while waiting:
        wanted = waiting.pop()
        name, extras = canonicalize_name(wanted.name), frozenset(wanted.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue
        for text in package.requires or ():
            brought = Requirement(text)
            settings = [{"extra": extra} for extra in (*extras, "")]
            if brought.marker is None or any(brought.marker.evaluate(setting) for setting in settings):
                waiting.append(brought)
        if name not in told:
            told.add(name)
            yield Package(name=name, version=package.version, licence=licence_of(package))


def main() -> int:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = dict(project["optional-dependencies"])
    for_development = extras.pop("dev")
    program = sorted(
        needed([*project["dependencies"], *(text for extra in extras.values() for text in extra)]),
        key=lambda package: package.name,
    )
    known = {package.name for package in program}
    others = sorted(
        (package for package in needed(for_development) if package.name not in known),
        key=lambda package: package.name,
    )
    for heading, packages in (("With the program", program), ("For development alone", others)):
        sys.stdout.write(f"{heading}\n")
        for package in packages:
            sys.stdout.write(f"  {package.name:32} {package.version:14} {package.licence}\n")
    binding = [package for package in (*program, *others) if package.binds]
    for package in binding:
        sys.stderr.write(f"{package.name}: {package.licence} would bind all of Reticle\n")
    return 1 if binding else 0


if __name__ == "__main__":
    sys.exit(main())
