"""Dockerfile and Singularity definition of an image describe the same image."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
IMAGES = ["bio", "torch", "report"]


def pieces(text: str) -> dict[str, Any]:
    """Base with digest, system packages, lock, pip options and environment of a recipe of either kind."""
    base = re.search(r"(debian:[\w.-]+@sha256:[0-9a-f]{64})", text)
    packages = re.search(r"--no-install-recommends\s*\\\n\s*(.+?)\s*(?:\\\n|\n)", text)
    environment = re.findall(r"(?:^ENV|^ {4}(?:export)?) *(?!DEBIAN)(\w+=[^\s\\]+)", text, re.MULTILINE)
    return {
        "base": base and base[1],
        "packages": packages and packages[1].split(),
        "locks": set(re.findall(r"requirements/(\w+)\.lock /opt/ribolm/", text)),
        "hashed": "--require-hashes" in text,
        "environment": set(environment),
    }


@pytest.mark.parametrize("image", IMAGES)
def test_both_recipes_of_an_image_agree(image: str) -> None:
    folder = ROOT / "containers" / image
    docker = pieces((folder / "Dockerfile").read_text())
    assert docker == pieces((folder / f"ribolm-{image}.def").read_text())
    assert docker["base"]
    assert docker["hashed"]
    assert len(docker["environment"]) >= 3


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_starts_no_program_of_its_own_and_lets_nextflow_measure(image: str) -> None:
    text = (ROOT / "containers" / image / "Dockerfile").read_text()
    instructions = re.findall(r"^([A-Z]+) ", text, re.MULTILINE)
    assert "ENTRYPOINT" not in instructions
    assert "USER" not in instructions
    assert "procps" in text


def test_modules_ask_for_the_images_that_are_built() -> None:
    built = re.search(r"^version=(\S+)$", (ROOT / "scripts" / "build-images").read_text(), re.MULTILINE)
    assert built
    asked = {
        name
        for module in (ROOT / "modules" / "local").rglob("main.nf")
        for name in re.findall(r"ribolm-\w+:[\w.]+", module.read_text())
    }
    assert asked <= {f"ribolm-{image}:{built[1]}" for image in IMAGES}


def images_of_processes() -> dict[str, str]:
    """Image that each module names, by the name of its process and by every alias of it."""
    found = {}
    for module in (ROOT / "modules" / "local").rglob("main.nf"):
        process, image = (re.search(rule, module.read_text()) for rule in (r"process (\w+)", r"container '([^']+)'"))
        assert process and image, module
        found[process[1]] = image[1]
    texts = [path.read_text() for room in ("subworkflows", "workflows") for path in (ROOT / room).rglob("*.nf")]
    aliases = [pair for text in texts for pair in re.findall(r"\b([A-Z]\w+)\s+as\s+(\w+)", text)]
    return found | {alias: found[process] for process, alias in aliases if process in found}


def test_image_files_are_those_that_modules_name() -> None:
    text = (ROOT / "conf" / "images.config").read_text()
    rules = re.findall(r"withName: '([^']+)' \{\s+container = \"\$\{projectDir\}/containers/([^\"]+)\.sif\"", text)
    assert len(rules) == text.count("withName")
    for process, image in images_of_processes().items():
        for name in (process, f"M6A:ALIGN_READS:{process}"):
            fitting = [file for selector, file in rules if re.fullmatch(selector, name)]
            assert fitting[-1] == image.replace(":", "_"), name


def conda_packages(requirements: str) -> set[str]:
    """Names under which conda knows the packages of a list in requirements/."""
    names = {"matplotlib": "matplotlib-base", "isal": "python-isal", "torch": "pytorch"}
    listed = re.findall(r"^([\w-]+)", (ROOT / "requirements" / f"{requirements}.in").read_text(), re.MULTILINE)
    return {names.get(name, name) for name in listed} - {"cutadapt"}


def test_conda_environments_of_our_commands_hold_the_packages_of_the_image() -> None:
    torch = conda_packages("torch")
    for path in (ROOT / "modules" / "local").rglob("environment.yml"):
        listed = set(re.findall(r"::([\w-]+)", path.read_text()))
        if "typer" in listed:
            in_image = "ribolm-torch:" in (path.parent / "main.nf").read_text()
            wanted = conda_packages("core") | (torch if in_image else set())
            assert listed >= wanted, path
            assert listed - wanted <= {"python", "samtools", "bedtools"}, path
