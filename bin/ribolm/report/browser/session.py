"""An IGV session: the tracks of all groups, each assay in its colour, opened with one click."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from xml.etree import ElementTree

from ribolm.errors import UsageError
from ribolm.report.drawing.palette import INK, INPUT, IP, group_colours

TRACK_COLOURS = {"ip": IP, "input": INPUT}
RATIO_UP, RATIO_DOWN = IP, INPUT
ASSAY_NAMES = {"ip": "IP", "input": "input", "log2ratio": "log2 IP/input"}
KIND_NAMES = {"bigwig": "signal", "bed": "regions", "bam": "alignments", "gtf": "genes"}
KINDS = {".bw": "bigwig", ".bigwig": "bigwig", ".bed": "bed", ".gz": "bed", ".bam": "bam"}


def igv_session(tracks: Sequence[str], genome_fasta: str, gtf: str, locus: str = "All") -> str:
    """XML of a session. Paths are used as given, so relative ones count from where the session will lie.

    `<group>.ip.bw`, `<group>.input.bw`, `<group>.log2ratio.bw` and `<group>/peaks.bed` are named and coloured by group
    and assay, other files named by file and kind. Raises UsageError for a file type IGV would not show here.
    """
    root = ElementTree.Element("Session", {"genome": genome_fasta, "locus": locus, "version": "8"})
    resources = ElementTree.SubElement(root, "Resources")
    for path in (*tracks, gtf):
        ElementTree.SubElement(resources, "Resource", {"path": path, "type": _kind(path)})
    data = ElementTree.SubElement(root, "Panel", {"name": "DataPanel"})
    groups = group_colours([_group(path) for path in tracks])
    for path in sorted(tracks, key=lambda path: (_group(path), _order(path), path)):
        _add_track(data, path, groups[_group(path)])
    features = ElementTree.SubElement(root, "Panel", {"name": "FeaturePanel"})
    for identifier, name in (("Reference sequence", "Reference sequence"), (gtf, "genes")):
        ElementTree.SubElement(features, "Track", {"id": identifier, "name": name, "displayMode": "EXPANDED"})
    ElementTree.indent(root, "    ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _kind(path: str) -> str:
    suffix = PurePosixPath(path).suffix.lower()
    if path.lower().endswith((".gtf", ".gtf.gz")):
        return "gtf"
    if suffix not in KINDS:
        raise UsageError(f"--track {path}: is no bigWig, BED or BAM. Give files that IGV shows.")
    return KINDS[suffix]


def _assay(path: str) -> str:
    """ip, input or log2ratio of a bigWig of ours, else ""."""
    parts = PurePosixPath(path).name.split(".")
    is_ours = len(parts) > 2 and _kind(path) == "bigwig"
    return parts[-2] if is_ours and parts[-2] in (*TRACK_COLOURS, "log2ratio") else ""


def _group(path: str) -> str:
    name = PurePosixPath(path)
    if _assay(path):
        return ".".join(name.name.split(".")[:-2])
    return name.parent.name if _bare(path) == "peaks" else name.name.split(".")[0]


def _bare(path: str) -> str:
    """The name of a file without its type."""
    return PurePosixPath(PurePosixPath(path).name.removesuffix(".gz")).stem


def _name(path: str) -> str:
    """What a track is called; only a BED that says so holds peaks."""
    if assay := _assay(path):
        return f"{_group(path)} {ASSAY_NAMES[assay]}"
    kind, bare = _kind(path), _bare(path)
    if kind == "bed" and bare.split(".")[-1] == "peaks":
        return f"{_group(path)} peaks"
    return f"{bare} {KIND_NAMES[kind]}"


def _order(path: str) -> int:
    return ["", "ip", "input", "log2ratio"].index(_assay(path)) or 9


def _add_track(panel: ElementTree.Element, path: str, group_colour: str) -> None:
    assay, group = _assay(path), _group(path)
    attributes = {
        "id": path,
        "name": _name(path),
        "color": _rgb(TRACK_COLOURS.get(assay, group_colour if not assay else RATIO_UP)),
        "altColor": _rgb(RATIO_DOWN if assay == "log2ratio" else INK),
        "displayMode": "EXPANDED" if not assay else "COLLAPSED",
    }
    if assay:
        attributes |= {"renderer": "BAR_CHART", "windowFunction": "mean", "height": "50", "autoScale": "false"}
        attributes |= {"autoscaleGroup": group} if assay != "log2ratio" else {"autoScale": "true"}
    track = ElementTree.SubElement(panel, "Track", attributes)
    if assay == "log2ratio":
        scale = {"minimum": "-4.0", "baseline": "0.0", "maximum": "4.0", "drawBaseline": "true", "type": "LINEAR"}
        track.set("autoScale", "false")
        ElementTree.SubElement(track, "DataRange", scale)


def _rgb(colour: str) -> str:
    return ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
