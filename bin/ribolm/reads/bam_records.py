"""Fields of raw BAM records (SAM specification §4.2), read by numba from a buffer of bytes.

Nothing here trusts the file: `record_end` proves that the fixed fields, name, CIGAR and sequence lie inside the
record, and walks over tags stop at its end. All functions return int64.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ribolm.reads.kernels import Integer, inner

Bytes = npt.NDArray[np.uint8]

PAIRED, UNMAPPED, MATE_UNMAPPED, REVERSE, READ1, READ2 = 0x1, 0x4, 0x8, 0x10, 0x40, 0x80
SECONDARY, QC_FAILED, DUPLICATE, SUPPLEMENTARY = 0x100, 0x200, 0x400, 0x800
CIGAR_M, CIGAR_D, CIGAR_N, CIGAR_S, CIGAR_EQUAL, CIGAR_X = 0, 2, 3, 4, 7, 8

FIXED_BYTES = 36
NEED_BYTES, DAMAGED, ABSENT = -1, -2, -3
TAG_NH, TAG_HI, TAG_CG = 0x484E, 0x4948, 0x4743  # two letters, little-endian
TYPE_B, SUBTYPE_UINT32 = 0x42, 0x49


@inner
def uint16_at(buffer: Bytes, place: Integer) -> Integer:
    """Little-endian unsigned 16 bits."""
    at = np.uint64(place)  # an unsigned index has no wrap-around, so that the loads become one
    return np.int64(np.uint32(buffer[at]) | np.uint32(buffer[at + np.uint64(1)]) << np.uint32(8))


@inner
def uint32_at(buffer: Bytes, place: Integer) -> Integer:
    """Little-endian unsigned 32 bits."""
    at = np.uint64(place)
    return np.int64(
        np.uint32(buffer[at])
        | np.uint32(buffer[at + np.uint64(1)]) << np.uint32(8)
        | np.uint32(buffer[at + np.uint64(2)]) << np.uint32(16)
        | np.uint32(buffer[at + np.uint64(3)]) << np.uint32(24)
    )


@inner
def int32_at(buffer: Bytes, place: Integer) -> Integer:
    """Little-endian signed 32 bits."""
    value = uint32_at(buffer, place)
    return value - (np.int64(1) << 32) if value >= np.int64(1) << 31 else value


@inner
def record_end(buffer: Bytes, place: Integer, n_bytes: Integer, n_contigs: Integer) -> Integer:
    """Place behind the record at `place`; NEED_BYTES when n_bytes cut it, DAMAGED when it contradicts itself."""
    if place + 4 > n_bytes:
        return NEED_BYTES
    end = place + 4 + int32_at(buffer, place)
    if end < place + FIXED_BYTES:
        return DAMAGED
    if end > n_bytes:
        return NEED_BYTES
    contig, mate_contig = int32_at(buffer, place + 4), int32_at(buffer, place + 24)
    if contig < -1 or contig >= n_contigs or mate_contig < -1 or mate_contig >= n_contigs:
        return DAMAGED
    sequence_nt = int32_at(buffer, place + 20)
    if sequence_nt < 0 or buffer[place + 12] == 0 or tags_start(buffer, place) > end:
        return DAMAGED
    return end


@inner
def cigar_start(buffer: Bytes, place: Integer) -> Integer:
    """Place of the CIGAR of the record at `place`."""
    return place + FIXED_BYTES + np.int64(buffer[place + 12])


@inner
def tags_start(buffer: Bytes, place: Integer) -> Integer:
    """Place of the first tag of the record at `place`."""
    sequence_nt = int32_at(buffer, place + 20)
    return cigar_start(buffer, place) + 4 * uint16_at(buffer, place + 16) + (sequence_nt + 1) // 2 + sequence_nt


@inner
def value_bytes(kind: Integer) -> Integer:
    """Bytes of one value of a tag type; 0 for types without a fixed size."""
    if kind == 0x41 or kind == 0x43 or kind == 0x63:  # A C c
        return 1
    if kind == 0x53 or kind == 0x73:  # S s
        return 2
    if kind == 0x49 or kind == 0x69 or kind == 0x66:  # I i f
        return 4
    return 0


@inner
def tag_value_end(buffer: Bytes, place: Integer, end: Integer) -> Integer:
    """Place behind the tag value whose type letter is at `place`, or DAMAGED."""
    kind = np.int64(buffer[place])
    if kind == 0x5A or kind == 0x48:  # Z H: text up to a zero byte
        place += 1
        while place < end and buffer[place] != 0:
            place += 1
        return place + 1 if place < end else DAMAGED
    if kind == TYPE_B:
        if place + 6 > end:
            return DAMAGED
        size = value_bytes(np.int64(buffer[place + 1]))
        value_end = place + 6 + size * uint32_at(buffer, place + 2)
    else:
        size = value_bytes(kind)
        value_end = place + 1 + size
    return value_end if size > 0 and value_end <= end else DAMAGED


@inner
def find_tag(buffer: Bytes, place: Integer, end: Integer, tag: Integer) -> Integer:
    """Place of the type letter of a tag among the tags at place … end; ABSENT or DAMAGED. Its value lies inside."""
    while place + 3 < end:
        value_end = tag_value_end(buffer, place + 2, end)
        if value_end < 0:
            return DAMAGED
        if uint16_at(buffer, place) == tag:
            return place + 2
        place = value_end
    return ABSENT if place == end else DAMAGED


@inner
def integer_tag(buffer: Bytes, place: Integer, end: Integer, tag: Integer) -> Integer:
    """Value of an integer tag (NH, HI: never negative), ABSENT or DAMAGED."""
    found = find_tag(buffer, place, end, tag)
    if found < 0:
        return found
    size = value_bytes(np.int64(buffer[found]))
    if size == 1:
        return np.int64(buffer[found + 1])
    if size == 2:
        return uint16_at(buffer, found + 1)
    return uint32_at(buffer, found + 1) if size == 4 else ABSENT


@inner
def find_cigar(buffer: Bytes, place: Integer, end: Integer) -> tuple[Integer, Integer]:
    """(place, number of operations) of a record's CIGAR, also where more than 65,535 operations moved to the CG tag.

    The place is DAMAGED when the tags are.
    """
    start, n_operations = cigar_start(buffer, place), uint16_at(buffer, place + 16)
    if n_operations != 2:
        return start, n_operations
    first, second = uint32_at(buffer, start), uint32_at(buffer, start + 4)
    if first & 15 != CIGAR_S or first >> 4 != int32_at(buffer, place + 20) or second & 15 != CIGAR_N:
        return start, n_operations
    found = find_tag(buffer, tags_start(buffer, place), end, TAG_CG)
    if found == ABSENT or (found >= 0 and (buffer[found] != TYPE_B or buffer[found + 1] != SUBTYPE_UINT32)):
        return start, n_operations
    return (found + 6, uint32_at(buffer, found + 2)) if found >= 0 else (found, 0)


@inner
def name_hash(buffer: Bytes, place: Integer) -> np.uint64:
    """64-bit hash of the read name of the record at `place` (multiply and fold, 8 bytes at a time)."""
    start = place + FIXED_BYTES
    end = start + np.int64(buffer[place + 12]) - 1
    value = np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(end - start)
    while start + 8 <= end:
        low, high = np.uint64(uint32_at(buffer, start)), np.uint64(uint32_at(buffer, start + 4))
        value = mixed(value ^ (low | high << np.uint64(32)))
        start += 8
    tail = np.uint64(0)
    while start < end:
        tail = tail << np.uint64(8) | np.uint64(buffer[start])
        start += 1
    return mixed(value ^ tail)


@inner
def mixed(value: np.uint64) -> np.uint64:
    """Bijective mixing of 64 bits (the finaliser of splitmix64)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
