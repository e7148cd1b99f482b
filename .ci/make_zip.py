"""Write the `--py-files` zip: the packages of the wheel, which Python workers cannot import itself.

The archive is the same to the byte for the same wheel: entries are sorted and bear one date.
"""

import sys
import zipfile
from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)


def make_zip(wheel: Path, target: Path) -> int:
    """Copy the packages of a wheel into a zip and return how many files it holds."""
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(target, "w") as made:
        names = sorted(
            name
            for name in source.namelist()
            if not name.endswith("/") and ".dist-info/" not in name
        )
        for name in names:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            made.writestr(entry, source.read(name))
    return len(names)


def main(folder: str) -> int:
    """Turn the one wheel of a folder into `vectormill.zip` beside it."""
    wheels = sorted(Path(folder).glob("vectormill-*.whl"))
    if len(wheels) != 1:
        sys.exit(f"error: expected one wheel in {folder}, found {len(wheels)}")
    target = wheels[0].with_name("vectormill.zip")
    count = make_zip(wheels[0], target)
    sys.stdout.write(f"{wheels[0]}\n{target} ({count} files)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
