#!/usr/bin/env bash
# The catalogue: what is known of models, what is refused before it costs, and what may pass anyway.
source "$(dirname "${BASH_SOURCE[0]}")/harness.bash"

export FAL_KEY=e2e-key:of-models
check "the sandbox starts" start_sandbox --seed 5 --key "$FAL_KEY" --speed 4
models=$scratch/models
mkdir "$models"
write_config '' "
[catalogue]
folder = \"$models\""
check "the daemon starts" start_daemon --config "$config"
image=fal-ai/minimax/hailuo-02/standard/image-to-video
billed() { ledger "SELECT count(*) FROM accepted"; }

# --- what is known
check "reel models lists one model a line" contains "$(reel models)" \
    "$image"$'\tvideo\t$0.045 a second; ~$0.017 a second with resolution 512P\t240\tfal\t'
check "--json is what the socket says" equal "$(api /v1/models)" "$(reel models --json)"
reel models "$image" >"$scratch/model.out"
check "one model tells its members" has_line "$scratch/model.out" $'^prompt\trequired\t\ta text of at most 2000'
check "… defaults and choices" has_line "$scratch/model.out" $'^duration\toptional\t6\t"6" or "10"'
check "… the price" has_line "$scratch/model.out" '^price: \$0.045 a second'
check "submit MODEL --help tells the same" equal "$(cat "$scratch/model.out")" "$(reel submit "$image" --help)"
check "an unknown model ends with 5" exits 5 reel models fal-ai/minimax/hailuo-02/standard/image-to-vidio
check "… and names what may be meant" contains "$(cat "$scratch/exits.err")" "$image"

# --- every example works when pasted, and the sandbox takes it
pasted=0
for one in fal-ai/minimax/video-01-director "$image" fal-ai/minimax/image-01 minimax/h3/reference-to-video; do
    command=$(reel models "$one" | sed -n '/^example:/{n;s/^  reel //p}')
    eval "set -- $command"
    check "the example of $one is submitted" exits 0 reel "$@" --id "pasted-$((pasted += 1))"
done
check "… and all of them complete" exits 0 reel wait pasted-1 pasted-2 pasted-3 pasted-4 --timeout 60s
before=$(billed)

# --- what is refused, by each way in, and what it costs: nothing
check "the command refuses a bad input with 2" exits 2 reel submit "$image" duration=7 promt=x image_url=ftp://me/a.png
check "… with what is missing" contains "$(cat "$scratch/exits.err")" 'input.prompt: is missing'
check "… with the choices" contains "$(cat "$scratch/exits.err")" 'input.duration: must be "6" or "10", not "7"'
check "… with the nearest name" contains "$(cat "$scratch/exits.err")" 'did you mean "prompt"?'
check "… and with what a file needs" contains "$(cat "$scratch/exits.err")" 'input.image_url: "ftp://me/a.png" is no URL'
check "10 s with 1080P is refused" exits 2 reel submit "$image" prompt=x image_url=https://x.example/a duration=10 resolution=1080P
check "… in a sentence" contains "$(cat "$scratch/exits.err")" '10 s is not available at 1080P'
check "a wrong camera move is refused" exits 2 reel submit fal-ai/minimax/video-01-director 'prompt=[Pan lefft] a street'
check "… with the right one" contains "$(cat "$scratch/exits.err")" 'did you mean "Pan left"?'
check "the socket refuses with 422" equal 422 "$(api_status /v1/jobs -d '{"model": "'$image'", "input": {"prompt": "x"}}')"
check "… and names the field" contains "$(cat "$scratch/api.body")" '"field":"input.image_url"'
inbox "INSERT INTO jobs (id, model, input) VALUES ('bad', '$image', json_object('prompt', 'x', 'seed', 1))"
row_error() { inbox "SELECT error FROM jobs WHERE id = 'bad'"; }
has_error() { [[ -n $(row_error) ]]; }
check "a row is refused" eventually 10 has_error
check "… with what is missing" contains "$(row_error)" 'input.image_url: is missing'
check "… and what is not taken" contains "$(row_error)" 'input.seed: is unknown; the model takes prompt'
check "an unknown model is refused" exits 2 reel submit fal-ai/acme/clip prompt='a fox runs'
check "… with the way around" contains "$(cat "$scratch/exits.err")" --unchecked

# --- a dry run
reel submit "$image" prompt='a still lake' image_url=https://x.example/a.png --batch night --id dry-1 --dry-run \
    >"$scratch/dry.out" 2>"$scratch/dry.err"
check "a dry run ends with 0" equal 0 $?
check "… tells the cost" has_line "$scratch/dry.out" $'^cost\t\$0.27 (\$0.045 a second × 6 s)'
check "… the defaults" has_line "$scratch/dry.out" $'^default\tduration = "6"'
check "… the file" has_line "$scratch/dry.out" $'^file\t'"$outputs/night/dry-1.mp4"
check "… and how to write a better prompt" has_line "$scratch/dry.out" $'^advice\tno verb of motion'
check "it makes no job" equal 404 "$(api_status /v1/jobs/dry-1)"
check "a dry run of a bad input ends with 2" exits 2 reel submit "$image" --dry-run
check "nothing of all this was billed" equal "$before" "$(billed)"

# --- types by the schema; defaults stay the provider's
reel submit minimax/h3/text-to-video prompt='a fox runs' duration=6 --id typed-1 >/dev/null
reel submit "$image" prompt='a fox runs' image_url=https://x.example/a duration=6 --id typed-2 >/dev/null
check "a whole number is sent where one is wanted" equal '{"duration":6,"prompt":"a fox runs"}' "$(job_field typed-1 input)"
check "a text is sent where one is wanted, and no default" equal \
    '{"duration":"6","image_url":"https://x.example/a","prompt":"a fox runs"}' "$(job_field typed-2 input)"

# --- unchecked
check "an unknown model passes unchecked" exits 0 reel submit fal-ai/acme/clip prompt='free' --unchecked --id free-1
check "… and its trail says so" contains "$(reel events free-1)" 'not checked against the catalogue'
inbox "INSERT INTO jobs (id, model, input, unchecked) VALUES ('free-2', 'fal-ai/acme/clip', json_object('prompt', 'row'), 1)"
check "so does a row" eventually 20 is_in_state free-2 completed
check "both complete" exits 0 reel wait free-1 free-2 --timeout 60s
reel submit fal-ai/acme/clip prompt='to be tried again' --unchecked --id later-1 --not-before 2h >/dev/null
check "one of them is cancelled" exits 0 reel cancel later-1

# --- models of one's own
cat >"$models/clip.json" <<'JSON'
{"openapi": "3.0.4",
 "info": {"title": "Clip", "x-fal-metadata": {"endpointId": "fal-ai/acme/clip"}},
 "components": {"schemas": {"ClipInput": {"type": "object", "required": ["prompt"],
    "x-fal-order-properties": ["prompt", "steps"],
    "properties": {"steps": {"type": "integer", "minimum": 1, "maximum": 50, "default": 30},
                   "prompt": {"type": "string", "examples": ["a fox runs"]}}},
   "ClipOutput": {"type": "object", "properties": {"video": {"type": "object"}}}}},
 "paths": {"/fal-ai/acme/clip": {"post": {"requestBody": {"content": {"application/json":
    {"schema": {"$ref": "#/components/schemas/ClipInput"}}}}}}}}
JSON
echo '{"id": "fal-ai/acme/bad", "input": 7}' >"$models/bad.json"
kill -HUP "$daemon"
knows() { reel models "$1"; }
check "a reload reads the folder" eventually 10 knows fal-ai/acme/clip
check "the OpenAPI document is the schema" contains "$(reel models fal-ai/acme/clip)" \
    $'steps\toptional\t30\ta whole number from 1 to 50'
check "… by which inputs are checked" exits 2 reel submit fal-ai/acme/clip prompt=x steps=51
check "… and taken" exits 0 reel submit fal-ai/acme/clip prompt='own model' steps=50 --wait --timeout 60s
check "a bad file is named in the log" has_line "$log" "$models/bad.json: input: is missing"
reel models >/dev/null 2>"$scratch/models.err"
check "… and by reel models" contains "$(cat "$scratch/models.err")" "not used: $models/bad.json"
check "--check-config names it too" contains "$("$bin/reeld" --check-config --config "$config")" "$models/bad.json"
rm "$models/clip.json" "$models/bad.json"
kill -HUP "$daemon"
forgets() { not knows "$1"; }
check "what is gone from the folder is unknown again" eventually 10 forgets fal-ai/acme/clip
check "a job of an unknown model can still be tried again" exits 0 reel retry later-1
check "it stops" stop_daemon
check "everything was paid for once" billed_once
check "the database is sound" database_is_sound
finish
