"""Checks ONNX files with onnx's checker and strict shape inference: /usr/bin/python3 check.py FOLDER

Needs the Debian package python3-onnx. Checks every file `*.onnx` below the folder, prints one line for each that fails
and a summary. Exit status: 0 all files pass, 1 some fail or there are none, 2 wrong usage.
"""

import pathlib
import sys

import onnx
import onnx.checker
import onnx.shape_inference


def complaint(path):
    """Returns what is wrong with a file, in one line; None if nothing is."""
    try:
        # The checker gets the path, because it looks up external data beside the file. Its full check would write there.
        onnx.checker.check_model(str(path))
        model = onnx.load(str(path), load_external_data=False)
        onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    except Exception as error:  # damaged files raise errors of protobuf, others those of onnx
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return None


def main():
    if len(sys.argv) != 2 or not pathlib.Path(sys.argv[1]).is_dir():
        print("error: expected a folder with ONNX files", file=sys.stderr)
        return 2
    paths = sorted(pathlib.Path(sys.argv[1]).rglob("*.onnx"))
    failed = 0
    for path in paths:
        found = complaint(path)
        if found is not None:
            failed += 1
            print(f"{path}: {found}")
    print(f"onnx {onnx.__version__}: {len(paths) - failed} of {len(paths)} files pass")
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
