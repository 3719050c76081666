#!/usr/bin/env python3
"""Holds the bills of materials that the unit tests have pinned against the schemas of CycloneDX 1.6 and SPDX 2.3."""
import pathlib
import sys
import tempfile

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

SNAPSHOTS = pathlib.Path(__file__).parents[2] / "src/deps/sbom/snapshots"


def pinned(name):
    (path,) = SNAPSHOTS.glob(f"*{name}_bill_of_materials*.snap")
    # insta's head ends at the second line of dashes.
    return path.read_text().split("\n---\n", 1)[1]


def main():
    faults = []
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(pinned("cyclonedx"))
    if fault:
        faults.append(f"CycloneDX: {fault}")
    with tempfile.NamedTemporaryFile("w", suffix=".spdx.json") as file:
        file.write(pinned("spdx"))
        file.flush()
        document = parse_file(file.name)
    faults += [f"SPDX: {message.validation_message}" for message in validate_full_spdx_document(document, "SPDX-2.3")]
    print("\n".join(faults) or "both bills of materials are valid")
    sys.exit(1 if faults else 0)


main()
