"""Logic on bit planes: 64 places of a sequence in one word, so that one instruction treats them all.

Bits 1 and 2 of an ASCII letter tell A (00), C (01), T (10) and G (11) apart, bit 3 is set in N alone, and none of them
depends on the case. A place's bit stands as far up in its word as the place is on. Words of a plane are counted from
1: an empty one stands before them and one after. Steps are short loops over words, which the compiler turns into
vector instructions; none branches on a base. All compiled code is in this file: numba's cache watches no other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

WORD = 64
BLOCK = 128  # words whose 24 shifted planes fit the first-level cache
NO_HEXAMER = 255
ir: Any = cgutils.ir  # type: ignore[attr-defined]  # llvmlite's, which comes with numba

# Kernels make no arrays: without numba's reference counting (_nrt) they run faster.
_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}
compiled: Callable[..., Any] = njit(**_OPTIONS)


def _instruction(build: Callable[..., Any]) -> Callable[..., Any]:
    """A function of kernels whose code is written in the compiler's own language."""
    return cast(Callable[..., Any], intrinsic(build))


@_instruction
def _mask64(typing_context, text, place, bit):  # type: ignore[no-untyped-def]
    """The word of those of the 64 letters from `place` on that have `bit`: compare and move-mask."""

    def build(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        letters64 = ir.VectorType(ir.IntType(8), WORD)
        pointer = builder.bitcast(builder.gep(array.data, [arguments[1]]), letters64.as_pointer())
        letters = builder.load(pointer)
        letters.align = 1
        nothing, index = ir.Constant(letters64, ir.Undefined), ir.IntType(32)
        one = builder.insert_element(nothing, arguments[2], ir.Constant(index, 0))
        every = builder.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(index, WORD), [0] * WORD))
        has_bit = builder.icmp_unsigned("!=", builder.and_(letters, every), ir.Constant(letters64, [0] * WORD))
        return builder.bitcast(has_bit, ir.IntType(WORD))

    return types.uint64(text, types.intp, types.uint8), build


@_instruction
def lowest_bit(typing_context, word):  # type: ignore[no-untyped-def]
    """Place of the lowest set bit, 64 without any; int64."""

    def build(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), build


@_instruction
def highest_bit(typing_context, word):  # type: ignore[no-untyped-def]
    """Place of the highest set bit, -1 without any; int64."""

    def build(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        above = builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0))
        return builder.sub(ir.Constant(ir.IntType(64), WORD - 1), above)

    return types.int64(types.uint64), build


@compiled
def pack(text, first_word, n_words, low, high, unknown):  # type: ignore[no-untyped-def]
    """Fill words `first_word` to `first_word + n_words` of the planes from uint8 letters, 64 to a word."""
    for w in range(n_words):
        low[first_word + w] = _mask64(text, w * 64, np.uint8(2))
        high[first_word + w] = _mask64(text, w * 64, np.uint8(4))
        unknown[first_word + w] = _mask64(text, w * 64, np.uint8(8))


@compiled
def next_set(words, place, end):  # type: ignore[no-untyped-def]
    """The lowest set place >= `place` of a plane whose first word is empty, `end` without one before it."""
    w = place >> 6
    word = words[w + 1] >> np.uint64(place & 63) << np.uint64(place & 63)
    while word == 0 and (w + 1) * 64 < end:
        w += 1
        word = words[w + 1]
    return min(w * 64 + lowest_bit(word), end) if word else end


@compiled
def last_set(words, place):  # type: ignore[no-untyped-def]
    """The highest set place <= `place` of a plane whose first word is empty; -1 without one."""
    w, spare = place >> 6, np.uint64(63 - (place & 63))
    word = words[w + 1] << spare >> spare
    while word == 0 and w > 0:
        w -= 1
        word = words[w + 1]
    return w * 64 + highest_bit(word) if word else -1


@compiled
def find_motifs(low, high, n_words, motifs, shifted, hits):  # type: ignore[no-untyped-def]
    """Mark in `hits` [2, words] the first place of every motif of either strand."""
    for first in range(1, n_words + 1, BLOCK):
        shift_planes(low[first : first + BLOCK + 1], high[first : first + BLOCK + 1], shifted)
        for strand in range(2):
            found = hits[strand, first : first + BLOCK]
            for w in range(BLOCK):
                found[w] = np.uint64(0)
            for m in range(motifs.shape[1]):
                base = motifs[strand, m]
                a, b, c = shifted[base[0], 0], shifted[base[1], 1], shifted[base[2], 2]
                d, e, f = shifted[base[3], 3], shifted[base[4], 4], shifted[base[5], 5]
                for w in range(BLOCK):
                    found[w] |= a[w] & b[w] & c[w] & d[w] & e[w] & f[w]
    for strand in range(2):
        hits[strand, n_words + 1] = np.uint64(0)


@compiled
def shift_planes(low, high, shifted):  # type: ignore[no-untyped-def]
    """shifted [4, 6, words]: places that have a code k places further on, from planes with one word more."""
    for k in range(6):
        right, left = np.uint64(k), np.uint64(63 - k)  # a shift by 64 in two steps, since one means nothing
        none, only_low, only_high, both = shifted[0, k], shifted[1, k], shifted[2, k], shifted[3, k]
        for w in range(BLOCK):
            a = low[w] >> right | low[w + 1] << np.uint64(1) << left
            b = high[w] >> right | high[w + 1] << np.uint64(1) << left
            none[w] = ~(a | b)
            only_low[w] = a & ~b
            only_high[w] = b & ~a
            both[w] = a & b


@compiled
def spread_hits(source, target, n_words, step):  # type: ignore[no-untyped-def]
    """target = source or source moved `step` places downstream of its strand (row 0 upwards, row 1 downwards)."""
    here, over = np.uint64(step), np.uint64(64 - step)
    for w in range(1, n_words + 1):
        target[0, w] = source[0, w] | source[0, w] << here | source[0, w - 1] >> over
    for w in range(1, n_words + 1):
        target[1, w] = source[1, w] | source[1, w] >> here | source[1, w + 1] << over
    target[1, n_words + 1] = np.uint64(0)


@compiled
def _any_of(low, high, allowed):  # type: ignore[no-untyped-def]
    """Places of two words of planes whose code is allowed (bool [4])."""
    every, none = ~np.uint64(0), np.uint64(0)
    a = ~(low | high) & (every if allowed[0] else none)
    c = low & ~high & (every if allowed[1] else none)
    t = high & ~low & (every if allowed[2] else none)
    return a | c | t | low & high & (every if allowed[3] else none)


@compiled
def join_sites(low, high, n_words, sites, before, nearest, spread, out):  # type: ignore[no-untyped-def]
    """out [2, words] = places with the right base, the right neighbour and a hexamer within reach, per strand."""
    up, up_over = np.uint64(nearest), np.uint64(64 - nearest)
    down, down_over = np.uint64(nearest - 5), np.uint64(64 - nearest + 5)
    one, top = np.uint64(1), np.uint64(63)
    for w in range(1, n_words + 1):
        reached = spread[0, w] << up | spread[0, w - 1] >> up_over
        behind = low[w] << one | low[w - 1] >> top
        beside = high[w] << one | high[w - 1] >> top
        out[0, w] = _any_of(low[w], high[w], sites[0]) & _any_of(behind, beside, before[0]) & reached
    for w in range(1, n_words + 1):
        reached = spread[1, w] >> down | spread[1, w + 1] << down_over
        behind = low[w] >> one | low[w + 1] << top
        beside = high[w] >> one | high[w + 1] << top
        out[1, w] = _any_of(low[w], high[w], sites[1]) & _any_of(behind, beside, before[1]) & reached


@compiled
def list_places(hits, unknown, n_words, n_letters, flank, out):  # type: ignore[no-untyped-def]
    """Write the places whose window lies within the letters and holds no unknown one; return their number.

    p for the plus strand, ~p for the minus strand; one entry for a place, of the plus strand where both hit.
    """
    n, last_unknown, next_unknown = 0, -1, next_set(unknown, 0, n_letters)
    for w in range(1, n_words + 1):
        both = hits[0, w] | hits[1, w]
        while both:
            bit = np.uint64(lowest_bit(both))
            both &= both - np.uint64(1)
            place = (w - 1) * 64 + np.int64(bit)
            if place >= n_letters:
                break
            if next_unknown <= place:
                last_unknown = last_set(unknown, place)
                next_unknown = next_set(unknown, place + 1, n_letters)
            if place - flank > last_unknown and place + flank < next_unknown:
                is_plus = hits[0, w] >> bit & np.uint64(1)
                out[n] = place if is_plus else ~place
                n += 1
    return n


@compiled
def _stretch(plane, place, n):  # type: ignore[no-untyped-def]
    """The n bits of a plane from a place on, the first lowest."""
    w, right, left = place >> 6, np.uint64(place & 63), np.uint64(63 - (place & 63))
    bits = plane[w + 1] >> right | plane[w + 2] << np.uint64(1) << left
    return bits & ((np.uint64(1) << np.uint64(n)) - np.uint64(1))


@compiled
def name_places(places, low, high, hits, ranks, order, nearest, farthest, hexamer, distance):  # type: ignore[no-untyped-def]
    """Fill `hexamer` and `distance` (uint8 [n]) with the best hexamer of each place; `hits` are `find_motifs`'."""
    n_starts = farthest - nearest + 1
    for k in range(len(places)):
        strand = 1 if places[k] < 0 else 0
        anchor = np.int64(~places[k] if strand else places[k])
        first = anchor + nearest - 5 if strand else anchor - farthest
        found, best = _stretch(hits[strand], first, n_starts), np.int64(1 << 30)
        while found:
            start = first + lowest_bit(found)
            found &= found - np.uint64(1)
            letters = _stretch(low, start, 6) | _stretch(high, start, 6) << np.uint64(6)
            d = start + 5 - anchor if strand else anchor - start
            best = min(best, np.int64(ranks[strand, letters]) << 16 | np.int64(order[d]) << 8 | d)
        hexamer[k], distance[k] = best >> 16, best & 255
