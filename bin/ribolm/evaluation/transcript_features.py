"""In which part of a transcript each candidate lies: 5'UTR, CDS, 3'UTR, non-coding, or outside annotated exons."""

import numpy as np
import numpy.typing as npt

from ribolm.evaluation.candidates import Candidates
from ribolm.genome.annotation import Annotation
from ribolm.genome.exon_space import build_exon_space
from ribolm.genome.transcripts import REGIONS, build_transcript_models, locate_exons, paint_regions

OUTSIDE = "outside exons"


def transcript_features(annotation: Annotation, candidates: Candidates) -> npt.NDArray[np.str_] | None:
    """Feature of every candidate by the first-choice transcript over it, [n]; None where the GTF has no CDS rows."""
    if not len(annotation.cds):
        return None
    space, models = build_exon_space(annotation), build_transcript_models(annotation)
    chrom, start0, is_minus = candidates.contigs.split(candidates.keys)
    place = {name: i for i, name in enumerate(space.chroms)}
    numbers = np.array([place.get(name, -1) for name in candidates.contigs.names], dtype=np.int32)[chrom]
    exon = locate_exons(space, numbers, np.where(is_minus, -1, 1).astype(np.int8), start0)
    inside = np.flatnonzero((exon >= 0) & (numbers >= 0))
    unit = space.exon_unit[exon[inside]].astype(np.int64)
    wanted, slot = np.unique(unit, return_inverse=True)
    painted = paint_regions(space, models, wanted)
    first = np.r_[0, np.cumsum([len(regions) for regions in painted])].astype(np.int64)
    offset = space.exon_offset_nt[exon[inside]] + start0[inside] - space.exon_start0[exon[inside]]
    names: npt.NDArray[np.str_] = np.array([*REGIONS, OUTSIDE])
    found = np.full(len(candidates), len(REGIONS))
    if len(inside):
        found[inside] = np.concatenate(painted)[first[slot] + offset]
    return np.asarray(names[found])
