#!/usr/bin/env bash
# Every kind of output: images, sound by address and within the answer, voices.
source "$(dirname "${BASH_SOURCE[0]}")/harness.bash"

mkdir "$scratch/s"
state=$scratch/s/state outputs=$scratch/s/outputs socket=$scratch/s/reeld.sock
export REELD_SOCKET=$socket
check "reeld --sandbox is ready" start_daemon --sandbox "$scratch/s" --speed 4
sandbox_url=$(awk '$1 == "sandbox" { print $2 }' "$scratch/reeld.out")
speech=fal-ai/minimax/speech-02-hd

# begins FILE HEX: the file's first bytes.
begins() { equal "$2" "$(head -c $((${#2} / 2)) "$1" | od -An -tx1 | tr -d ' \n')"; }
# is_stored ID INDEX: the file has the size and the sum that the API tells.
is_stored() {
    local path
    path=$(job_field "$1" "outputs[$2].path")
    equal "$(job_field "$1" "outputs[$2].bytes")" "$(stat -c %s "$path")" &&
        equal "$(job_field "$1" "outputs[$2].sha256")  $path" "$(sha256sum "$path")"
}

# --- images, several of one job
reel submit fal-ai/minimax/image-01 prompt='three boats' num_images:=3 --id boats --batch pics \
    --output '{batch}/{id}-{n}.{ext}' --wait --timeout 60s >"$scratch/boats.out" 2>/dev/null
check "a job of three images completes" is_in_state boats completed
check "it has three outputs" equal 3 "$(job_field boats 'outputs' | rows 'SELECT json_array_length(j) FROM doc')"
for n in 1 2 3; do
    check "image $n lies where the template says" test -f "$outputs/pics/boats-$n.png"
    check "… and is a PNG file" begins "$outputs/pics/boats-$n.png" 89504e470d0a1a0a
    check "… and is what the API tells" is_stored boats $((n - 1))
done
check "their kind is told" equal image "$(job_field boats 'outputs[2].kind')"

# --- sound by address
reel submit "$speech" text='a kind voice' output_format=url audio_setting:='{"format":"flac"}' \
    --id linked --batch voices --wait --timeout 60s >/dev/null 2>&1
check "speech by address completes" is_in_state linked completed
check "… as a FLAC file" begins "$outputs/voices/linked.flac" 664c6143
check "… with its length among the values" equal 720 "$(job_field linked 'values.duration_ms')"
check "… and an address" contains "$(job_field linked 'outputs[0].url')" /speech.flac

# --- sound within the answer
reel submit "$speech" text='a kind voice' output_format=hex --id spoken --batch voices \
    --wait --timeout 60s >/dev/null 2>&1
check "speech within the answer completes" is_in_state spoken completed
check "… as an MP3 file" begins "$outputs/voices/spoken.mp3" fffb
check "… is what the API tells" is_stored spoken 0
check "… without an address" equal '' "$(job_field spoken 'outputs[0].url')"
check "its bytes are gone from the database" equal 0 "$(reel_db 'SELECT count(*) FROM output_contents')"
piece=$(head -c 40 "$outputs/voices/spoken.mp3" | od -An -tx1 | tr -d ' \n')
# A delivery is kept as it came, because it is signed.
check "… and stand in no event and in no answer that is kept" equal 0 "$(reel_db "SELECT
    (SELECT count(*) FROM events WHERE instr(patch, '$piece') OR instr(note, '$piece')) +
    (SELECT count(*) FROM evidence WHERE kind <> 'webhook' AND instr(CAST(body AS TEXT), '$piece'))")"
check "… nor in the log" not grep -q "$piece" "$log"
reel submit "$speech" text='raw' audio_setting:='{"format":"pcm"}' --id raw --batch voices \
    --wait --timeout 60s >/dev/null 2>&1
check "raw samples complete where they were asked for" is_in_state raw completed
check "… as a file of that name" test -s "$outputs/voices/raw.pcm"
check "… and type" equal audio/pcm "$(job_field raw 'outputs[0].content_type')"

# --- voices
reel submit fal-ai/minimax/voice-design prompt='a captain' preview_text=ahoy --id captain \
    --batch voices --wait --timeout 60s >/dev/null 2>&1
check "a designed voice completes" is_in_state captain completed
voice=$(job_field captain 'values.custom_voice_id')
check "its id is a value of the job" contains "$voice" moss_audio_
check "its sample is on disk" begins "$outputs/voices/captain.mp3" fffb
check "reel show tells the id" contains "$(reel show captain)" "$voice"
check "… and the file" contains "$(reel show captain)" "$outputs/voices/captain.mp3"
check "a reader of the database finds it too" equal "$voice" \
    "$(reel_db "SELECT json_extract(result_values, '\$.custom_voice_id') FROM jobs WHERE id = 'captain'")"
reel submit fal-ai/minimax/voice-clone audio_url=https://example.com/me.mp3 --id clone \
    --batch voices --wait --timeout 60s >/dev/null 2>&1
check "a cloned voice without a sample completes without a file" is_in_state clone completed
check "… with its id" contains "$(job_field clone 'values.custom_voice_id')" moss_audio_
check "… and no output" equal '[]' "$(job_field clone outputs)"

# --- all of it holds
check "every job was paid for once" billed_once
check "the database is sound" database_is_sound
check "reel verify finds nothing" exits 0 reel verify
check "SIGTERM ends it with 0" stop_daemon
finish
