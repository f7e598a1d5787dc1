"""What lies beside the warehouse and the nights under home and may name a person: replays, notes, logs."""

from pathlib import Path

import polars as pl

from data.partitions import write_parquet

SEARCHABLE = 4  # characters of an id; a shorter one stands by chance in nearly every file
_AT_ONCE = 1 << 22


def take_out_of_replays(home: Path, app: str, key: int | None) -> int:
    """Write what replays promised anew without a player; returns how many rows went."""
    gone = 0
    for path in sorted((home / "replay" / app).glob("*.parquet")) if key is not None else ():
        frame = pl.read_parquet(path, glob=False)
        left = frame.filter(pl.col("player_key") != key)
        if left.height < frame.height:
            write_parquet(path, left)
            gone += frame.height - left.height
    return gone


def count_in_replays(home: Path, app: str, key: int | None) -> int:
    """How many rows of replays are of a player."""
    if key is None:
        return 0
    mine = pl.col("player_key") == key
    found = (pl.scan_parquet(path, glob=False).filter(mine) for path in (home / "replay" / app).glob("*.parquet"))
    return sum(int(frame.select(pl.len()).collect().item()) for frame in found)


def mask_in_texts(home: Path, app: str, user_id: str) -> int:
    """Write stars over an id in logs and in notes still to be recorded, in place: who appends to them goes on.

    Returns:
        How often it stood there.
    """
    wanted, masked = user_id.encode(), 0
    if len(user_id) < SEARCHABLE:
        return 0
    for path in _texts(home, app):
        with path.open("r+b") as file:
            for at in _places(path, wanted):
                file.seek(at)
                file.write(b"*" * len(wanted))
                masked += 1
    return masked


def count_in_texts(home: Path, app: str, user_id: str) -> int:
    """How often an id stands in logs and in notes still to be recorded."""
    if len(user_id) < SEARCHABLE:
        return 0
    return sum(len(_places(path, user_id.encode())) for path in _texts(home, app))


def files_with(home: Path, user_id: str) -> list[str]:
    """Files under home whose bytes hold an id, by their path there; none is looked for that is too short to tell."""
    if len(user_id) < SEARCHABLE:
        return []
    files = sorted(path for path in home.rglob("*") if path.is_file() and not path.is_symlink())
    return [str(path.relative_to(home)) for path in files if _places(path, user_id.encode(), most=1)]


def _texts(home: Path, app: str) -> list[Path]:
    folders = (home / "logs", home / "unrecorded" / app)
    return sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())


def _places(path: Path, wanted: bytes, most: int | None = None) -> list[int]:
    """Where some bytes stand in a file by themselves, and not within a longer word or number."""
    found, start, left = list[int](), 0, b""
    with path.open("rb") as file:
        while some := file.read(_AT_ONCE):
            data = left + some
            at = data.find(wanted)
            while at >= 0:
                around = data[max(at - 1, 0) : at] + data[at + len(wanted) : at + len(wanted) + 1]
                if not any(chr(byte).isalnum() or byte in b"_-" for byte in around if byte < 128):
                    found.append(start + at)
                    if most and len(found) == most:
                        return found
                at = data.find(wanted, at + 1)
            left = data[-len(wanted) - 1 :]
            start += len(data) - len(left)
    return sorted(set(found))
