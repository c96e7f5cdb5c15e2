"""Structures of any shape, drawn for properties."""

from hypothesis import strategies as st

from ribolm.labels.structure.pairs import Structure


@st.composite
def structures(draw: st.DrawFn, name: str = "x", max_length: int = 24) -> Structure:
    """Any matching of some bases of a short RNA."""
    length = draw(st.integers(1, max_length))
    order = draw(st.permutations(range(length)))
    n_pairs = draw(st.integers(0, length // 2))
    letters = draw(st.text("ACGUN", min_size=length, max_size=length))
    return Structure.from_pairs(name, letters, [(order[2 * k], order[2 * k + 1]) for k in range(n_pairs)])
