"""CRC-32C (Castagnoli), the checksum of TFRecord, over many megabytes.

A checksum is linear in the bits of the data, so the parts of a long text are worked on side by side, four bytes at a
step, and put together in the end: a part that ``k`` bytes follow counts like itself followed by ``k`` zeros.
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint32]

_POLYNOMIAL = np.uint32(0x82F63B78)  # bit-reversed
_ALL = 0xFFFFFFFF
_MASK = 0xA282EAD8
_SHORT = 2048
_LANES = 256


def masked_checksum(data: bytes | memoryview) -> int:
    """The checksum as TFRecord stores it: turned by 15 bits, plus a constant."""
    checksum = crc32c(data)
    return ((checksum >> 15 | checksum << 17) + _MASK) & _ALL


def crc32c(data: bytes | memoryview) -> int:
    """The plain checksum; that of ``123456789`` is E3069283, as RFC 3720 has it."""
    if len(data) < _SHORT:
        table = _byte_table()
        register = _ALL
        for byte in data:
            register = table[(register ^ byte) & 0xFF] ^ (register >> 8)
        return register ^ _ALL
    # Zeros before the data change nothing, once the register begins at 0 and its start is part of the data.
    count = -(-len(data) // (4 * _LANES)) * _LANES
    padded = np.zeros(4 * count, np.uint8)
    padded[len(padded) - len(data) :] = np.frombuffer(data, np.uint8)
    padded[len(padded) - len(data) :][:4] ^= np.uint8(0xFF)
    lanes = padded.view("<u4").reshape(_LANES, -1)
    low, high = _word_tables()
    registers = np.zeros(_LANES, np.uint32)
    for word in lanes.T:
        registers = registers ^ word
        registers = low[registers & 0xFFFF] ^ high[registers >> 16]
    operator = _zeros(4 * lanes.shape[1])
    while len(registers) > 1:
        registers = _applied(operator, registers[0::2]) ^ registers[1::2]
        operator = _applied(operator, operator)
    return int(registers[0]) ^ _ALL


def _steps(values: Words, bits: int) -> Words:
    """Registers after so many zero bits."""
    for _ in range(bits):
        values = np.where(values & 1, (values >> 1) ^ _POLYNOMIAL, values >> 1).astype(np.uint32)
    return values


@cache
def _byte_table() -> tuple[int, ...]:
    return tuple(int(value) for value in _steps(np.arange(256, dtype=np.uint32), 8))


@cache
def _word_tables() -> tuple[Words, Words]:
    """What the lower and the upper half of a register become over four bytes."""
    halves = np.arange(1 << 16, dtype=np.uint32)
    return _steps(halves, 32), _steps(halves, 16)


@lru_cache(maxsize=4096)
def _zeros(count: int) -> Words:
    """The operator of ``count`` zero bytes: what each bit of a register becomes."""
    if count == 1:
        return _steps(np.uint32(1) << np.arange(32, dtype=np.uint32), 8)
    half = _zeros(count // 2)
    operator = _applied(half, half)
    return _applied(_zeros(1), operator) if count % 2 else operator


def _applied(operator: Words, registers: Words) -> Words:
    """Each register taken through an operator."""
    result = np.zeros_like(registers)
    for bit in range(32):
        result ^= np.where(registers >> np.uint32(bit) & np.uint32(1), operator[bit], np.uint32(0))
    return result
