# Prints the rows of `real_tables` in real_tables_test.cpp for the CSV files below build/data, as Python's csv module
# reads them: rows, columns, cells without a value, bytes of all cells, and the kind of each column:
# python3 tests/data/real_tables.py
import csv
import gzip
import pathlib
import re

MISSING = {"", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "?"}  # as FrameOptions has them
MOST_CATEGORIES = 100  # as InferOptions has it
INTEGER = re.compile(r"[+-]?\d+")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
CODE = re.compile(r"0\d+")


def kind(cells):
    present = [cell for cell in cells if cell not in MISSING]
    if not present:
        return "-"
    if all(NUMBER.fullmatch(cell) and not CODE.fullmatch(cell) for cell in present):
        return "i" if all(INTEGER.fullmatch(cell) for cell in present) else "n"
    return "c" if len(set(present)) <= MOST_CATEGORIES else "-"


data = pathlib.Path(__file__).resolve().parents[2] / "build" / "data"
for path in sorted(data.glob("*/*.csv*")):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file) if row]
    columns = len(rows[0])
    assert all(len(row) == columns for row in rows), path
    if not any(NUMBER.fullmatch(cell) for cell in rows[0]):
        rows = rows[1:]  # the header
    cells = [cell for row in rows for cell in row]
    missing = sum(cell in MISSING for cell in cells)
    size = sum(len(cell.encode()) for cell in cells)
    kinds = "".join(kind(column) for column in zip(*rows))
    print(f'{{"{path.relative_to(data)}", {len(rows)}, {columns}, {missing}, {size}, "{kinds}"}},')
