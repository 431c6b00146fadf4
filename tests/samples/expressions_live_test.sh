#!/usr/bin/env bash
# Runs 24_expressions_live on clips made by ffmpeg: expressions_live_test.sh FOLDER-OF-PROGRAMS RUN [PICTURES]
# RUN is the folder of a training by 23_expressions --train; without it, the clip of drawings is left out. PICTURES is the
# length of the clip for the memory; with it, RUN must be a full training, which knows the drawings.
# Exits with 77 (skipped) if ffmpeg, the astronaut or the network for photographs is missing.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/samples/server.sh
program=$1/24_expressions_live
stills=$1/23_expressions
run=$2
length=${3:-1000}
command -v ffmpeg >/dev/null || { echo "skipped: no ffmpeg"; exit 77; }
for name in astronaut expression_weights; do
  [ -d "build/data/$name" ] || { echo "skipped: run bash samples/fetch_data.sh $name"; exit 77; }
done
astronaut=build/data/astronaut/astronaut.png
work=$(mktemp -d)
trap 'rm -rf "$work"; kill $(jobs -p) 2>/dev/null' EXIT
failed=0

make_clip() { ffmpeg -nostdin -hide_banner -loglevel error -y -threads 1 "$@"; }
check() {  # check WHAT COMMAND...
  local what=$1
  shift
  if "$@"; then echo "ok: $what"; else echo "FAILED: $what"; failed=1; fi
}
pictures() { ffprobe -v error -threads 1 -count_frames -select_streams v -show_entries stream=nb_read_frames -of csv=p=0 "$1" | tr -d ','; }

# play NAME ARGUMENTS... runs the program with a video and JSON lines as output, without a window; sets `status`.
play() {
  local name=$1
  shift
  rm -rf "$work/run/${name:?}"
  mkdir -p "$work/run/$name"
  status=0
  "$program" --no-window --out "$work/run/$name/a.mp4" --json "$work/run/$name/a.jsonl" "$@" 2>"$work/run/$name/err" || status=$?
}
# complete NAME [MORE] tests that the two files are complete, and nothing else is there. Where pictures are missing, the
# video repeats the one before, so with MORE it may have more than there are lines of JSON.
complete() {
  local lines shown
  lines=$(wc -l <"$work/run/$1/a.jsonl")
  shown=$(pictures "$work/run/$1/a.mp4")
  [ "$lines" -gt 0 ] && [ "$shown" -ge "$lines" ] && { [ "$shown" -eq "$lines" ] || [ -n "${2:-}" ]; } &&
    [ "$(find "$work/run/$1" -type f | wc -l)" -eq 3 ] && return 0
  echo "$lines lines, $shown pictures:" && ls "$work/run/$1" && cat "$work/run/$1/err" && return 1
}
# said NAME STATUS TEXT tests the exit status and a message.
said() {
  [ "$status" -eq "$2" ] && grep -qF -- "$3" "$work/run/$1/err" && return 0
  echo "status $status:" && cat "$work/run/$1/err" && return 1
}
# refused WHAT TEXT ARGUMENTS... checks that the program writes one line of error, and no file.
refused() {
  local what=$1 text=$2
  shift 2
  play refused "$@"
  check "refused: $what" said refused 1 "$text"
  check "one line, and no file: $what" [ "$(wc -l <"$work/run/refused/err") $(find "$work/run/refused" -type f | wc -l)" = "1 1" ]
}
# ffmpeg's filter for a picture of 640×480 with the astronaut's face
face=scale=640:640,crop=640:480:0:0

echo "== a face that comes and goes"
make_clip -loop 1 -framerate 25 -t 2 -i $astronaut -f lavfi -t 1 -i color=gray:s=640x480:r=25 -filter_complex \
  "[0]$face,format=yuv420p,setsar=1,split[a][b];[b]hflip[c];[1]format=yuv420p,setsar=1[g];[a][g][c]concat=n=3" -c:v libx264 -crf 12 "$work/face.mp4"
play face "$work/face.mp4"
check "a clip is played to its end" said face 0 "125 pictures, 0 dropped, 125 shown"
check "every picture is written" complete face
check "the labels follow the face" python3 tests/samples/expressions_live/follows.py "$work/run/face/a.jsonl" 0:happy 50:- 75:happy
play mirrored --mirror "$work/face.mp4"
check "a mirrored clip has the face on the other side" python3 -c "
import json, sys
boxes = [json.loads(open(name).readlines()[40])['faces'][0]['box'] for name in sys.argv[1:]]
sys.exit(abs(boxes[0][0] + boxes[1][0] + boxes[1][2] - 640) > 12)" "$work/run/face/a.jsonl" "$work/run/mirrored/a.jsonl"

echo "== widths and times"
for size in 360:240 104:80 1080:1920; do  # the scaler writes blocks of 16 pixels
  make_clip -i "$work/face.mp4" -vf scale=$size -frames:v 6 -c:v libx264 -preset ultrafast -pix_fmt yuv420p "$work/width.mp4"
  play width "$work/width.mp4"
  check "a clip of $size is read whole" said width 0 "6 pictures, 0 dropped, 6 shown"
  check "and the files are complete" complete width
done
make_clip -i "$work/width.mp4" -vf "scale=320:240,setpts=N*10/TB" -r 0.1 -frames:v 4 -c:v libx264 "$work/slow.mp4"
play slow "$work/slow.mp4"
check "a picture in ten seconds keeps its times" \
  [ "$(sed 's/.*"time":\([0-9.]*\).*/\1/' "$work/run/slow/a.jsonl" | paste -sd:)" = 0.000:10.000:20.000:30.000 ]
check "and its rate in the annotated video" complete slow

echo "== pipes and streams"
status=0
make_clip -i "$work/face.mp4" -c copy -f nut - | "$program" - --no-window --json - >"$work/lines" 2>"$work/err" || status=$?
check "standard input, and JSON on standard output" [ "$status $(wc -l <"$work/lines")" = "0 125" ]
mkfifo "$work/fifo"
{ make_clip -i "$work/face.mp4" -c copy -f mpegts - | head -c 50000 >"$work/fifo"; } >/dev/null 2>&1 &
play fifo "$work/fifo"
check "a fifo whose writer goes is read as far as it went" said fifo 0 " shown in "
check "and the files are complete" complete fifo
check "some pictures, not all" [ "$(wc -l <"$work/run/fifo/a.jsonl")" -lt 125 ]
mkdir "$work/served"
make_clip -i "$work/face.mp4" -c copy -movflags +faststart "$work/served/face.mp4"
python3 -u -m http.server 0 --bind 127.0.0.1 --directory "$work/served" >"$work/server" 2>&1 &
server=$!
if wait_for_address "$server" "$work/server"; then
  play served "${address}face.mp4"
  check "a recording from a server is read like a file" said served 0 "125 pictures, 0 dropped, 125 shown"
  check "and the files are complete" complete served
else
  failed=1
fi
kill "$server"
"$program" "$work/face.mp4" --no-window --json - 2>"$work/err" | head -n 1 >"$work/lines"
status=${PIPESTATUS[0]}
check "a reader of the lines that goes ends the program with an error" \
  [ "$status $(grep -c '^error: \[output\] standard output: cannot be written' "$work/err")" = "1 1" ]

echo "== signals"
# end_by SIGNAL waits|plays plays the fifo and ends the program, while it waits or when pictures are written.
end_by() {
  rm -rf "$work/run/signal"
  mkdir -p "$work/run/signal"
  env --default-signal=HUP "$program" "$work/fifo" --no-window --out "$work/run/signal/a.mp4" --json "$work/run/signal/a.jsonl" 2>"$work/run/signal/err" &
  local child=$!
  # Until pictures are written, or for a while where there are none.
  for tenth in $(seq 300); do
    sleep 0.1
    [ "$2" = waits ] && [ "$tenth" -gt 30 ] && break
    [ "$2" = plays ] && [ -s "$work/run/signal/a.partial.mp4" ] && break
  done
  kill "-$1" "$child"
  status=0
  wait "$child" || status=$?
}
for signal in INT TERM HUP; do
  if [ $signal != HUP ]; then
    end_by "$signal" waits  # nobody opens it to write
    check "SIG$signal ends a wait for a pipe" said signal 0 "0 pictures"
  fi
  make_clip -stream_loop -1 -i "$work/face.mp4" -c copy -t 600 -f mpegts - >"$work/fifo" 2>/dev/null &
  writer=$!
  end_by "$signal" plays
  check "SIG$signal ends a clip in its midst" said signal 0 " shown in "
  check "and its files are complete" complete signal
  kill "$writer" 2>/dev/null
  wait "$writer" 2>/dev/null
done

echo "== damaged files"
make_clip -i "$work/face.mp4" -c:v mjpeg -q:v 3 "$work/face.avi"
head -c $(($(stat -c %s "$work/face.avi") / 2)) "$work/face.avi" >"$work/cut.avi"
play cut "$work/cut.avi"
check "half a file is read as far as it goes" said cut 0 "of 125 pictures could be read: damaged or cut off"
check "and the files are complete" complete cut
for name in face.avi face.mp4; do
  python3 - "$work/$name" "$work/damaged-$name" <<'PYTHON'
import random, sys
data = bytearray(open(sys.argv[1], "rb").read())
random.seed(1)
for i in range(len(data) * 4 // 10, len(data) // 2):  # the index of face.mp4 stands at its end
    data[i] = random.randrange(256)
open(sys.argv[2], "wb").write(data)
PYTHON
  play damaged "$work/damaged-$name"
  check "a file damaged in its midst is read on: $name" said damaged 0 "warning: "
  check "and the files are complete" complete damaged more
  check "its end is shown" [ "$(tail -n 1 "$work/run/damaged/a.jsonl" | sed 's/.*"time":\([0-9]\).*/\1/')" -ge 3 ]
done
head -c 20000 "$work/face.mp4" >"$work/cut.mp4"
refused "an MP4 file without its index" "cut.mp4: this is no video, or a damaged one" "$work/cut.mp4"

echo "== sizes that change"
make_clip -i "$work/face.mp4" -vf scale=320:240 -c:v mjpeg -q:v 3 -frames:v 40 "$work/small.mjpeg"
make_clip -i "$work/face.mp4" -c:v mjpeg -q:v 3 -frames:v 40 "$work/large.mjpeg"
cat "$work/small.mjpeg" "$work/large.mjpeg" "$work/small.mjpeg" >"$work/sizes.mjpeg"
make_clip -i "$work/face.mp4" -vf scale=320:240 -frames:v 40 -c:v libx264 "$work/small.ts"
make_clip -i "$work/face.mp4" -frames:v 40 -c:v libx264 "$work/large.ts"
cat "$work/large.ts" "$work/small.ts" >"$work/sizes.ts"
for name in sizes.mjpeg:320:640:320 sizes.ts:640:320; do
  IFS=: read -r file widths <<<"$name"
  play sizes "$work/$file"
  check "complete files where the size changes: $file" complete sizes
  check "every size is seen" [ "$(sed 's/.*"width":\([0-9]*\).*/\1/' "$work/run/sizes/a.jsonl" | uniq | paste -sd:)" = "$widths" ]
  check "and the face in each" python3 -c "
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
happy = sum([face.get('label') for face in line['faces']] == ['happy'] for line in lines)
sys.exit(happy < len(lines) - 6 * len(sys.argv[2].split(':')))" "$work/run/sizes/a.jsonl" "$widths"
done

echo "== no face, ten faces"
make_clip -f lavfi -i testsrc=s=640x480:r=25:d=2 -c:v libx264 "$work/none.mp4"
play none "$work/none.mp4"
check "no face is no error" said none 0 "50 pictures, 0 dropped, 50 shown"
check "and has lines without faces" [ "$(grep -c '"faces":\[\]' "$work/run/none/a.jsonl")" -ge 48 ]
make_clip -loop 1 -framerate 25 -t 2 -i $astronaut -filter_complex "crop=200:240:124:0,scale=160:192,tile=5x2:nb_frames=10,format=yuv420p" -frames:v 1 "$work/ten.png"
make_clip -loop 1 -framerate 25 -t 2 -i "$work/ten.png" -c:v libx264 -crf 12 -pix_fmt yuv420p "$work/ten.mp4"
play ten "$work/ten.mp4" --search-interval 0
check "ten faces keep their numbers" python3 -c "
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])][4:]
ids = [[face['id'] for face in line['faces']] for line in lines]
sys.exit(not (len(lines) == 46 and all(i == list(range(1, 11)) for i in ids)))" "$work/run/ten/a.jsonl"

echo "== what cannot be done"
[ -e /dev/video7 ] || refused "no camera" "camera 7 (/dev/video7) does not exist" 7
: >"$work/empty.mp4"
refused "an empty file" "the file is empty" "$work/empty.mp4"
refused "a file that is no video" "this is no video, or a damaged one" tests/run.sh
refused "no file" "there is no such file" "$work/none"
refused "a stream that nobody serves" "[video] http://127.0.0.1:9/: " http://127.0.0.1:9/
refused "a cascade that is none" "expected an XML file with a cascade of OpenCV" "$work/face.mp4" --cascade tests/run.sh
refused "weights that are none" "none.safetensors" "$work/face.mp4" --weights "$work/none.safetensors"
for out in "$work/nowhere/a.mp4:there is no folder" "$work/a.txt:expected a name that ends in .mp4" "/proc/a.mp4:is no ordinary file"; do
  status=0
  "$program" "$work/face.mp4" --no-window --out "${out%%:*}" 2>"$work/err" || status=$?
  check "an output that cannot be written: ${out#*:}" [ "$status $(grep -c "${out#*:}" "$work/err") $(wc -l <"$work/err")" = "1 1 1" ]
done
status=0
"$program" "$work/none.mp4" --no-window --json /dev/fd/1 >/dev/null 2>"$work/err" || status=$?
check "standard output by its name is refused" [ "$status $(grep -c 'say --json -' "$work/err")" = "1 1" ]
: >"$work/target.jsonl" && ln -s target.jsonl "$work/link.jsonl"
"$program" "$work/none.mp4" --no-window --json "$work/link.jsonl" 2>"$work/err"
check "a link is kept, and what it leads to is written" [ "$(readlink "$work/link.jsonl") $(wc -l <"$work/target.jsonl")" = "target.jsonl 50" ]
absolute=$(realpath "$program") && ln -s "$PWD/build" "$work/build"
(cd "$work" && "$absolute" none.mp4 --no-window --out 10:30.mp4 2>"$work/err")
check "a colon in a name is no protocol" [ "$(pictures "$work/10:30.mp4")" = 50 ]
cp "$work/none.mp4" "$work/source.mp4"
for arguments in "--out $work/source.mp4" "--json $work/source.mp4" "--out $work/both.mp4 --json $work/../${work##*/}/both.mp4"; do
  status=0
  # shellcheck disable=SC2086  # several arguments
  "$program" "$work/source.mp4" --no-window $arguments 2>"$work/err" || status=$?
  check "one file for two things: ${arguments//$work\//}" \
    [ "$status $(grep -c 'must be different files' "$work/err") $(wc -l <"$work/err")" = "1 1 1" ]
done
check "and the source stays" cmp "$work/none.mp4" "$work/source.mp4"
check "and no other file is made" [ ! -e "$work/both.mp4" ]
python3 - build/data/expression_weights/mini_xception.safetensors "$work/nan.safetensors" <<'PYTHON'
import json, struct, sys
data = bytearray(open(sys.argv[1], "rb").read())
length = struct.unpack_from("<Q", data)[0]
begin = json.loads(data[8:8 + length])["head.bias"]["data_offsets"][0]
struct.pack_into("<f", data, 8 + length + begin, float("nan"))
open(sys.argv[2], "wb").write(data)
PYTHON
refused "weights that are not finite" "nan.safetensors: these weights give probabilities that are not finite" \
  "$work/face.mp4" --weights "$work/nan.safetensors"
status=0
env -u DISPLAY -u WAYLAND_DISPLAY "$program" "$work/face.mp4" 2>"$work/err" || status=$?
check "without a display, an output must be named" [ "$status $(grep -c 'there is no display: give --out' "$work/err")" = "1 1" ]
status=0
env DISPLAY=:987 "$program" "$work/face.mp4" 2>"$work/err" || status=$?
check "nor is a display that does not answer one" [ "$status $(grep -c 'there is no display: give --out' "$work/err")" = "1 1" ]
for arguments in "--search-interval -1" "--threads 0" "--threads 1000000" "--smooth -1"; do
  status=0
  # shellcheck disable=SC2086  # two arguments
  "$program" $arguments 2>"$work/err" || status=$?
  check "wrong arguments: $arguments" [ "$status $(wc -l <"$work/err")" = "2 1" ]
done
mkdir "$work/full"
status=0
(ulimit -f 40 && "$program" "$work/face.mp4" --no-window --out "$work/full/a.mp4" 2>"$work/err") || status=$?
check "a disk that is full" [ "$status $(grep -c 'could not be written completely' "$work/err") $(find "$work/full" -type f | wc -l)" = "1 1 0" ]

echo "== speed and memory"
# A face in every picture, which moves.
make_clip -loop 1 -framerate 25 -t 10 -i $astronaut -vf "scale=660:660,crop=640:480:'10+10*sin(t)':0,format=yuv420p" -c:v libx264 -crf 12 "$work/speed.mp4"
TIMEFORMAT='%U %S'
used=$( { time taskset -c 0 env OMP_NUM_THREADS=1 "$program" "$work/speed.mp4" --no-window --json "$work/a.jsonl" 2>/dev/null; } 2>&1)
check "a face in every picture" [ "$(grep -c '"label"' "$work/a.jsonl")" -ge 248 ]
rate=$(echo "$used" | awk '{ printf "%.1f", 250 / ($1 + $2) }')
echo "$rate pictures of 640×480 a second of processor time, loading included"
check "25 pictures a second on one core" awk -v r="$rate" 'BEGIN { exit !(r >= 25) }'

make_clip -i "$work/face.mp4" -vf scale=320:240 -c:v libx264 "$work/small.mp4"
make_clip -stream_loop -1 -i "$work/small.mp4" -c copy -frames:v "$length" -f nut - >"$work/fifo" 2>/dev/null &
"$program" "$work/fifo" --no-window --json "$work/memory.jsonl" --out "$work/memory.mp4" 2>"$work/err" &
child=$!
while kill -0 "$child" 2>/dev/null; do
  lines=$(wc -l 2>/dev/null <"$work/memory.jsonl.partial")
  awk -v n="${lines:-0}" '/^VmRSS/ { print n, $2 }' "/proc/$child/status" >>"$work/memory" 2>/dev/null
  sleep 0.2
done
# The largest resident memory of the second half must not exceed that of the second quarter by more than 2 MiB.
awk -v n="$length" '$1 > n / 4 && $1 <= n / 2 && $2 > a { a = $2 } $1 > n / 2 && $2 > b { b = $2 }
  END { printf "%.1f MiB resident in the second quarter of %d pictures, %.1f MiB in the second half\n", a / 1024, n, b / 1024; exit !(a > 0 && b > 0 && b - a <= 2048) }' "$work/memory"
check "the memory does not grow" [ $? -eq 0 ]
check "all of $length pictures" grep -q "^$length pictures, 0 dropped, $length shown" "$work/err"

if [ -e "$run/weights.npz" ] && [ -d build/data/drawn_faces ]; then
  echo "== drawings"
  # The first two faces of every class, on other heads each, a second each; classes follow one another.
  arguments=() filter="" n=0 changes=() files=()
  while IFS=, read -r name label _; do
    cell=$((n * 7 % 48))
    crop=crop=128:128:$((cell % 8 * 192 + 32)):$((cell / 8 * 192 + 32)),scale=480:480
    make_clip -i "build/data/drawn_faces/$name.png" -vf "$crop" "$work/$name.png"
    arguments+=(-loop 1 -framerate 25 -t 1 -i "$work/$name.png")
    filter+="[$n]format=yuv420p,setsar=1[v$n];"
    changes+=("$((n * 25)):$label")
    files+=("$work/$name.png")
    n=$((n + 1))
  done < <(tail -n +2 samples/23_expressions/faces.csv | awk -F, '++seen[$2] <= 2 { print seen[$2] "," $0 }' | sort -s -n -t, -k1,1 | cut -d, -f2-)
  make_clip "${arguments[@]}" -filter_complex "$filter$(for ((i = 0; i < n; ++i)); do printf '[v%d]' "$i"; done)concat=n=$n" -c:v libx264 -crf 12 "$work/drawings.mp4"
  play drawings "$work/drawings.mp4" --detector none --network drawings --weights "$run/weights.npz"
  # A brief training does not know all drawings: then, the clip must show what the network says of the pictures in it.
  mapfile -t judged < <("$stills" "${files[@]}" --drawings --run "$run" --json | python3 -c "
import json, sys
for i, picture in enumerate(json.load(sys.stdin)['pictures']):
    print(f\"{25 * i}:{picture['faces'][0]['expression']}\")")
  check "$n drawings are judged as in pictures" \
    python3 tests/samples/expressions_live/follows.py "$work/run/drawings/a.jsonl" "${judged[@]}"
  [ -z "${3:-}" ] || check "and by their classes" \
    python3 tests/samples/expressions_live/follows.py "$work/run/drawings/a.jsonl" "${changes[@]}"
else
  echo "left out: the clip of drawings, because $run/weights.npz or build/data/drawn_faces does not exist"
fi
exit "$failed"
