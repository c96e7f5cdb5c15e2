"""The IGV session is well-formed, keeps relative paths and colours assays alike in every group."""

from xml.etree import ElementTree

import pytest

from ribolm.errors import UsageError
from ribolm.report.browser.session import igv_session

TRACKS = ["b.ip.bw", "b.log2ratio.bw", "b.input.bw", "a.rep.ip.bw", "../peaks/b/peaks.bed"]


def test_session_names_and_orders_tracks_by_group_and_assay() -> None:
    root = ElementTree.fromstring(igv_session(TRACKS, "../reference/genome.fa", "../reference/genes.gtf"))
    assert root.tag == "Session" and root.get("genome") == "../reference/genome.fa"
    paths = [resource.get("path") for resource in root.iter("Resource")]
    assert paths == [*TRACKS, "../reference/genes.gtf"]
    data = root.find("Panel[@name='DataPanel']")
    assert data is not None
    names = [track.get("name") for track in data.iter("Track")]
    assert names == ["a.rep IP", "b IP", "b input", "b log2 IP/input", "b peaks"]
    colours = {track.get("name"): track.get("color") for track in data.iter("Track")}
    assert colours["a.rep IP"] == colours["b IP"] != colours["b input"]


def test_other_tracks_are_named_by_their_file_and_kind() -> None:
    tracks = ["wt.sample1.bam", "wt.ip.bam", "phylop.bw", "sites.bed.gz", "x/peaks.bed.gz", "y.peaks.bed"]
    root = ElementTree.fromstring(igv_session(tracks, "g.fa", "g.gtf"))
    names = {track.get("id"): track.get("name") for track in root.iter("Track")}
    assert [names[track] for track in tracks] == [
        "wt.sample1 alignments", "wt.ip alignments", "phylop signal", "sites regions", "x peaks", "y peaks",
    ]  # fmt: skip


def test_other_files_are_refused() -> None:
    with pytest.raises(UsageError, match=r"notes\.txt"):
        igv_session(["notes.txt"], "g.fa", "g.gtf")


def test_names_with_special_characters_are_escaped() -> None:
    root = ElementTree.fromstring(igv_session(['a&"b.ip.bw'], "g.fa", "g.gtf"))
    assert next(track.get("id") for track in root.iter("Track")) == 'a&"b.ip.bw'
