#!/usr/bin/env bash
# Every model of the catalogue, as its example says, from `reel submit` to the file on disk.
source "$(dirname "${BASH_SOURCE[0]}")/harness.bash"

mkdir "$scratch/s"
state=$scratch/s/state outputs=$scratch/s/outputs socket=$scratch/s/reeld.sock
export REELD_SOCKET=$socket
check "reeld --sandbox is ready" start_daemon --sandbox "$scratch/s" --speed 20
sandbox_url=$(awk '$1 == "sandbox" { print $2 }' "$scratch/reeld.out")

ids=()
declare -A model_of
while IFS=$'\t' read -r id _; do
    job=m$((${#ids[@]} + 1))
    # A text may have several lines.
    command=$(reel models "$id" | awk '/^$/ { on = 0 } on { print } /^example:$/ { on = 1 }')
    eval "set -- ${command#  reel }"
    check "the example of $id is taken" exits 0 reel "$@" --id "$job" --batch every
    ids+=("$job")
    model_of[$job]=$id
done < <(reel models)
check "they are all the models there are" equal "${#ids[@]}" \
    "$(api /v1/models | rows "SELECT json_array_length(j, '\$.models') FROM doc")"
check "all of them complete" exits 0 reel wait --batch every --timeout 120s

# What a model gives by its own word is what lies there: a file of that kind, or values alone.
for job in "${ids[@]}"; do
    kind=$(reel models "${model_of[$job]}" --json | json '$.output')
    case $kind in
        values) check "${model_of[$job]} gave values" test -n "$(job_field "$job" values)" ;;
        *)
            path=$(job_field "$job" 'outputs[0].path')
            type=$(job_field "$job" 'outputs[0].content_type')
            check "${model_of[$job]} gave $kind" equal "$kind" "${type%%/*}"
            check "… whose bytes are what the API tells" equal \
                "$(job_field "$job" 'outputs[0].sha256')  $path" "$(sha256sum "$path")"
            ;;
    esac
done
check "each was paid for once" equal "${#ids[@]},${#ids[@]}" \
    "$(ledger "SELECT count(*) || ',' || sum(json_extract(j, '\$.billed')) FROM accepted")"
check "the trail and the files fit together" exits 0 reel verify
check "it stops" stop_daemon
check "the database is sound" database_is_sound
finish
