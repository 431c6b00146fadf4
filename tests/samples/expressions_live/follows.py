# Whether lines of JSON follow a clip: follows.py FILE FROM:LABEL...
# From picture FROM on, each picture is to have one face with the label, or none for `-`. Prints the share of pictures
# that are right more than three pictures away from a change, and how many pictures a change takes to show, and exits
# with 1 unless these are 95 % and at most five. The clip's first picture is a change too.
import json
import sys

lines = [json.loads(line) for line in open(sys.argv[1])]
changes = [(int(start), label) for start, label in (part.split(":") for part in sys.argv[2:])]
wanted = [[label for start, label in changes if start <= i][-1] for i in range(len(lines))]
shown = [" ".join(face.get("label", "?") for face in line["faces"]) or "-" for line in lines]
right = [a == b for a, b in zip(shown, wanted)]
away = [all(abs(i - start) > 3 for start, _ in changes) for i in range(len(lines))]
judged = [r for r, a in zip(right, away) if a]
share = sum(judged) / len(judged)
latencies = [right[start:].index(True) if True in right[start:] else len(lines) for start, _ in changes]
for start, label in changes:
    end = min([s for s, _ in changes if s > start] + [len(lines)])
    wrong = [s for s, r, a in zip(shown[start:end], right[start:end], away[start:end]) if a and not r]
    if wrong:
        print(f"from picture {start}: {len(wrong)} are not {label}: {', '.join(sorted(set(wrong)))}")
print(f"{len(lines)} pictures, {len(changes)} changes: {100 * share:.1f} % right away from them, shown after at most "
      f"{max(latencies)} pictures")
sys.exit(0 if share >= 0.95 and max(latencies) <= 5 else 1)
