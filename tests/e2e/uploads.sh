#!/usr/bin/env bash
# Local files in inputs: handed over by reel, named by socket and row, stored at the provider once,
# through a kill in the middle of a large one, and every file that must not be taken.
source "$(dirname "${BASH_SOURCE[0]}")/harness.bash"

fal=fal-ai/minimax/hailuo-02/standard/image-to-video
each=eachlabs/minimax-i2v-01
shots=$scratch/shots
mkdir -p "$shots/deep"
export FAL_KEY=e2e:key EACHLABS_API_KEY=e2e:key

be32() { printf '%b' "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255)))"; }
# make_png FILE WIDTH HEIGHT [BYTES]: as much of a PNG as tells what it is, with a note so long.
make_png() {
    {
        printf '\x89PNG\r\n\x1a\n'
        be32 13
        printf 'IHDR'
        be32 "$2"
        be32 "$3"
        printf '\x08\x02\0\0\0\0\0\0\0'
        be32 "${4:-20000}"
        printf 'tEXt'
        head -c "${4:-20000}" /dev/zero
        printf '\0\0\0\0'
        be32 0
        printf 'IEND\xae\x42\x60\x82'
    } >"$1"
}

write_upload_config() {
    write_config '' "[providers.eachlabs]
base_url = \"$sandbox_url\"
poll_interval = \"500ms\"
retry = { base = \"100ms\", max = \"1s\" }
requests_per_minute = 6000
[inputs]
folders = [\"$shots\"]"
}

# sent ID MEMBER: what the provider was given there.
sent() {
    ledger "SELECT json_extract(j, '\$.input.$2') FROM accepted
        WHERE json_extract(j, '\$.input.prompt') = '$1' LIMIT 1"
}
# arrived ID MEMBER FILE: the URL that the provider was given leads to these bytes.
arrived() {
    local url
    url=$(sent "$1" "$2")
    contains "$url" http || return 1
    curl -sS --fail "$url" | cmp - "$3"
}
in_job() { reel submit "$fal" prompt="$1" image_url="$2" --id "$1" "${@:3}"; }
refused() { # refused PART-OF-THE-WORDS JOB
    equal 422 "$(api_status /v1/jobs -H 'Content-Type: application/json' -d "$2")" || return 1
    contains "$(cat "$scratch/api.body")" "$1"
}
of_fal() { echo '{"model": "'$fal'", "input": {"prompt": "'"$1"'", "image_url": "'"$2"'"}}'; }
row_error() { inbox "SELECT coalesce(error, '') FROM jobs WHERE id = '$1'"; }
spooled() { find "$state/files" -type f | wc -l; }

check "the sandbox starts" start_sandbox --seed 5 --key "$FAL_KEY" --speed 10
write_upload_config
check "the configuration is fine" exits 0 "$bin/reeld" --check-config --config "$config"
check "the daemon starts" start_daemon --config "$config"
make_png "$scratch/shot.png" 1280 720
make_png "$shots/row.jpg" 640 640 30000
make_png "$shots/small.png" 512 512 100
cd "$scratch" || exit 1

# --- what a person types
check "a dry run tells of the file" contains "$(in_job dry ./shot.png --dry-run 2>/dev/null)" \
    'image/png, 1280x720, 20057 bytes: would be uploaded'
check "… and leaves none behind" equal 0 "$(spooled)"
check "a file that is not there is a usage error" exits 2 in_job none ./none.png
check "a job by command" exits 0 in_job cli-1 ./shot.png
cp shot.png kept.png
make_png "$scratch/shot.png" 320 320
check "the same bytes again, under another name" exits 0 in_job cli-2 "$scratch/kept.png"
check "both complete" exits 0 reel wait cli-1 cli-2 --timeout 30s
check "what was there at the submit arrived, whatever came after" arrived cli-1 image_url kept.png
check "one upload serves both" equal "$(sent cli-1 image_url)" "$(sent cli-2 image_url)"
check "--no-reuse uploads anew" exits 0 in_job cli-3 kept.png --no-reuse --wait --timeout 30s
check "… to another place" not equal "$(sent cli-1 image_url)" "$(sent cli-3 image_url)"
check "Eachlabs has a storage of its own" exits 0 reel submit "$each" prompt=each-1 \
    first_frame_image=kept.png --id each-1 --wait --timeout 30s
check "… and the bytes arrive there" arrived each-1 first_frame_image kept.png

# --- the socket and rows
check "a job over the socket" equal 201 "$(api_status /v1/jobs -d "$(of_fal sock-1 "$shots/row.jpg")")"
inbox "INSERT INTO jobs (id, model, input) VALUES ('row-1', '$fal',
    json_object('prompt', 'row-1', 'image_url', '$shots/row.jpg'))"
all_completed() { equal 2 "$(ledger "SELECT count(*) FROM accepted
    WHERE json_extract(j, '\$.input.prompt') IN ('row-1', 'sock-1')")"; }
check "both reach the provider" eventually 15 all_completed
check "… with one upload" equal "$(sent sock-1 image_url)" "$(sent row-1 image_url)"
check "… of the right bytes" arrived row-1 image_url "$shots/row.jpg"
check "a small file goes into the input" equal 201 "$(api_status /v1/jobs -d "$(of_fal tiny "$shots/small.png")")"
tiny_arrived() { contains "$(sent tiny image_url)" 'data:image/png;base64,iVBOR'; }
check "… as a data URI" eventually 15 tiny_arrived

# --- what must not be taken
ln -s "$scratch/kept.png" "$shots/link.png"
ln -s "$scratch" "$shots/out"
mkfifo "$shots/pipe"
echo '<html>not found</html>' >"$shots/page.png"
: >"$shots/empty.png"
check "a file elsewhere" refused '[inputs] folders' "$(of_fal x "$scratch/kept.png")"
check "the database" refused '[inputs] folders' "$(of_fal x "$state/reel.db")"
check "a link out of the folder" refused 'no symbolic link' "$(of_fal x "$shots/link.png")"
check "a folder that is a link" refused 'no symbolic link' "$(of_fal x "$shots/out/kept.png")"
check "two dots" refused 'regular file' "$(of_fal x "$shots/../kept.png")"
check "a pipe, at once" refused 'regular file' "$(of_fal x "$shots/pipe")"
check "a page" refused 'an HTML page' "$(of_fal x "$shots/page.png")"
check "an empty file" refused 'is empty' "$(of_fal x "$shots/empty.png")"
check "nothing" refused 'there is no file' "$(of_fal x "$shots/none.png")"
make_png "$shots/tiny.png" 200 200
make_png "$shots/wide.png" 1000 301
make_png "$shots/huge.png" 512 512 52428800
of_each() { echo '{"model": "'$each'", "input": {"prompt": "x", "first_frame_image": "'"$1"'"}}'; }
check "too few pixels" refused 'the shorter side must have at least 301' "$(of_each "$shots/tiny.png")"
check "too wide" refused 'width to height from 0.4 to 2.5' "$(of_each "$shots/wide.png")"
check "too many bytes, before any is sent" refused 'at most 52428800 (50 MiB)' "$(of_each "$shots/huge.png")"
inbox "INSERT INTO jobs (id, model, input) VALUES ('bad-row', '$fal',
    json_object('prompt', 'x', 'image_url', '$scratch/kept.png'))"
row_told() { contains "$(row_error bad-row)" '[inputs] folders'; }
check "a row says what is wrong with its file" eventually 10 row_told

# --- between the submit and the upload
later() { echo '{"id": "'"$1"'", "not_before": "'"$(date -u -d '+2 seconds' +%FT%TZ)"'", "model": "'$fal'",
    "input": {"prompt": "'"$1"'", "image_url": "'"$2"'"}}'; }
make_png "$shots/changes.png" 640 640
make_png "$shots/vanishes.png" 640 640
check "a job whose file will change" equal 201 "$(api_status /v1/jobs -d "$(later changed "$shots/changes.png")")"
check "a job whose file will vanish" equal 201 "$(api_status /v1/jobs -d "$(later gone "$shots/vanishes.png")")"
make_png "$shots/changes.png" 512 512
rm "$shots/vanishes.png"
check "the first fails" eventually 15 is_in_state changed failed
check "… and says why" equal input_changed "$(job_field changed error.code)"
check "the second fails" eventually 15 is_in_state gone failed
check "… and says why" equal input_missing "$(job_field gone error.code)"
check "neither was submitted" equal 0 "$(ledger "SELECT count(*) FROM accepted
    WHERE json_extract(j, '\$.input.prompt') IN ('changed', 'gone')")"

# --- a large one, in parts, through a kill
make_png "$scratch/large.png" 1280 720 95000000
control '{"faults": {"put_slow": 0.5}}' >/dev/null
check "a file of 95 MB is taken" exits 0 in_job large large.png
uploading_parts() { test "$(reel_db "SELECT count(*) FROM uploads WHERE json_array_length(etags) BETWEEN 1 AND 8")" -gt 0; }
eventually 10 uploading_parts
kill_daemon
control '{"faults": {"put_slow": 0}}' >/dev/null
parts=$(reel_db "SELECT json_array_length(etags) FROM uploads ORDER BY json_array_length(etags) DESC LIMIT 1")
check "it starts again after a kill in the middle" start_daemon --config "$config"
check "the job completes" exits 0 reel wait large --timeout 40s
check "every byte arrived" arrived large image_url large.png
check "nothing was paid twice" equal 1 "$(ledger "SELECT count(*) FROM accepted
    WHERE json_extract(j, '\$.input.prompt') = 'large'")"
check "parts were there before the kill" test "${parts:-0}" -gt 0

large_uploads() { curl -sS "$sandbox_url/_sandbox/uploads" | rows "SELECT count(*)
    FROM doc, json_each(doc.j, '\$.uploads') AS e WHERE json_extract(e.value, '\$.name') = 'large.png'"; }
check "the upload went on, none was begun anew" equal 1 "$(large_uploads)"
check "verify finds nothing wrong" exits 0 reel verify
finish
