#!/usr/bin/env python3
"""Holds the includes of every room against the list of rooms that it may use.

  python3 tools/check_arrows.py              this source tree
  python3 tools/check_arrows.py --root DIR   another one

A room is a sinkwise_add_room(NAME ... USES a b ...) in src/<room>/CMakeLists.txt; `apps` is the
executable beside them. One line a fault, exit code 1 when there is any:
  - an include of a room that is not in USES, neither directly nor through the rooms listed there
  - a cycle of rooms, or a USES of a room that does not exist
  - fmt included in a room marked TORCH (torch brings a copy of its own)
  - a torch header in a room that is not marked TORCH
  - a room without README.md, or in a folder of another name
"""

import argparse
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
SOURCE_SUFFIXES = {".h", ".hpp", ".cpp", ".cc"}
TORCH_HEADERS = ("torch/", "ATen/", "c10/", "caffe2/")


@dataclass
class Room:
    name: str
    list_file: Path
    folders: list  # whose files belong to the room
    torch: bool = False
    uses: list = field(default_factory=list)


def without_comments(text):
    return re.sub(r"#[^\n]*", "", text)


def arguments_of(text, command):
    """The words of each call of a CMake command."""
    return [call.split() for call in re.findall(rf"\b{command}\s*\(([^)]*)\)", without_comments(text))]


def parse_room(words, list_file, root):
    name, keyword = words[0], None
    room = Room(name, list_file, [root / "src" / name, root / "include" / "sinkwise" / name])
    for word in words[1:]:
        if word == "TORCH":
            room.torch = True
        elif word in ("SOURCES", "USES", "LIBRARIES"):
            keyword = word
        elif keyword == "USES":
            room.uses.append(word)
    return room


def parse_apps(list_file):
    """The program links rooms as sinkwise_<room>; sinkwise_compiler and sinkwise_torch are none."""
    links = [word for words in arguments_of(list_file.read_text(), "target_link_libraries") for word in words]
    uses = [w.removeprefix("sinkwise_") for w in links if w.startswith("sinkwise_")]
    return Room("apps", list_file, [list_file.parent], True,
                [room for room in uses if room not in ("compiler", "torch")])


def read_rooms(root, faults):
    rooms = {}
    for list_file in sorted(root.glob("src/*/CMakeLists.txt")):
        for words in arguments_of(list_file.read_text(), "sinkwise_add_room"):
            room = parse_room(words, list_file, root)
            rooms[room.name] = room
            if list_file.parent.name != room.name:
                faults.append(f"{list_file.relative_to(root)}:1: room {room.name} lies in folder "
                              f"{list_file.parent.name}")
    apps = root / "apps" / "CMakeLists.txt"
    if apps.exists():
        rooms["apps"] = parse_apps(apps)
    return rooms


def reachable(rooms, name):
    """Every room that `name` may use, through however many others."""
    found, waiting = set(), list(rooms[name].uses)
    while waiting:
        used = waiting.pop()
        if used not in found and used in rooms:
            found.add(used)
            waiting.extend(rooms[used].uses)
    return found


def check_lists(rooms, root, faults):
    for room in rooms.values():
        place = f"{room.list_file.relative_to(root)}:1"
        faults += [f"{place}: room {room.name} USES {used}, which is no room"
                   for used in room.uses if used not in rooms]
        if room.name in reachable(rooms, room.name):
            faults.append(f"{place}: room {room.name} uses itself: arrows point one way only")
        if not (room.list_file.parent / "README.md").exists():
            faults.append(f"{place}: room {room.name} has no README.md")


def fault_of_include(header, room, allowed, rooms):
    """What is wrong with one include, or None."""
    parts = header.split("/")
    if parts[0] == "sinkwise" and len(parts) > 2:
        used = parts[1]
        if used == room.name or used in allowed:
            return None
        known = "" if used in rooms else ", which is no room"
        return f"room {room.name} includes {used}{known} but USES {' '.join(room.uses) or 'nothing'}"
    if header.startswith("fmt/") and room.torch:
        return f"room {room.name} includes {header} beside torch, which brings an fmt of its own"
    if header.startswith(TORCH_HEADERS) and not room.torch:
        return f"room {room.name} includes {header} but is not marked TORCH"
    return None


def check_includes(room, rooms, root, faults):
    allowed = reachable(rooms, room.name)
    files = sorted(path for folder in room.folders for path in folder.rglob("*")
                   if path.suffix in SOURCE_SUFFIXES)
    for path in files:
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            match = INCLUDE.match(line)
            fault = fault_of_include(match.group(1), room, allowed, rooms) if match else None
            if fault:
                faults.append(f"{path.relative_to(root)}:{number}: {fault}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    root = parser.parse_args().root.resolve()
    faults = []
    rooms = read_rooms(root, faults)
    if not rooms:
        faults.append(f"{root}: no rooms found in src/*/CMakeLists.txt")
    check_lists(rooms, root, faults)
    for room in rooms.values():
        check_includes(room, rooms, root, faults)
    print("\n".join(faults) if faults else f"{len(rooms)} rooms, every include within its list")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
