#!/usr/bin/env bash
# Attacks on the running programs: from the network, from other users of the machine, and from
# whoever may write in the outputs folder. Each is refused, and work goes on.
source "$(dirname "${BASH_SOURCE[0]}")/harness.bash"

secret=of-attacks-77b2
export FAL_KEY=e2e-key:$secret
check "the sandbox starts" start_sandbox --seed 23 --key "$FAL_KEY" --speed 4 --concurrency 8
hooks=$(free_port)
hooks_url=http://127.0.0.1:$hooks
write_config 'submit_unknown_wait = "5s"' "
[webhook]
listen = \"127.0.0.1:$hooks\"
public_url = \"$hooks_url\""
check "the daemon starts" start_daemon --config "$config"

works() { reel submit "$model" prompt="still at work after $1" --id "after-$1" --wait --timeout 60s; }
is_alive() { kill -0 "$daemon"; }

# --- other users of the machine
check "the socket's mode is 0660" equal 660 "$(stat -c %a "$socket")"
stranger() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
if ((EUID == 0)) && command -v setpriv >/dev/null; then
    chmod 755 "$scratch"
    status_of_stranger() {
        stranger curl -sS --max-time 5 --unix-socket "$socket" http://reeld/v1/status -o /dev/null 2>&1
    }
    check "a peer of another user is not let in" not status_of_stranger
    check "… because of its rights" contains "$(status_of_stranger)" 'connect'
    check "the command says so with its exit code" equal 3 \
        "$(stranger "$bin/reel" --socket "$socket" ls >/dev/null 2>&1; echo $?)"
    check "another user cannot drop rows" not stranger sqlite3 -batch "$state/inbox.db" \
        "INSERT INTO jobs (model, input) VALUES ('$model', '{}')"
    check "… nor read the database of a folder that is closed" not stranger cat "$state/inbox.db"
    chgrp 65534 "$socket"
    check "a peer of the socket's group is let in" stranger curl -sS --max-time 5 \
        --unix-socket "$socket" http://reeld/v1/status -o /dev/null
fi

# --- the outputs folder
outside=$scratch/outside
mkdir -p "$outside"
echo precious >"$outside/precious"
ln -s "$outside" "$outputs/linked"
post "{\"id\": \"linked-1\", \"model\": \"$model\", \"input\": {\"prompt\": \"through a link\"},
    \"output\": \"linked/{id}.{ext}\"}" >/dev/null
check "a folder that is a link lets the job wait" exits 8 reel wait linked-1 --timeout 10s
check "… and nothing stands outside" equal precious "$(ls "$outside")"
ln -s "$outside/precious" "$outputs/taken-1.mp4"
mkfifo "$outputs/taken-2.mp4"
mkdir "$outputs/taken-3.mp4"
for i in 1 2 3; do
    post "{\"id\": \"taken-$i\", \"model\": \"$model\", \"input\": {\"prompt\": \"taken $i\"}}" >/dev/null
done
check "names taken by a link, a pipe and a folder are left alone" exits 0 \
    reel wait taken-1 taken-2 taken-3 --timeout 60s
check "… the link" equal "$outside/precious" "$(readlink "$outputs/taken-1.mp4")"
check "… and what it leads to" equal precious "$(cat "$outside/precious")"
check "… the pipe" test -p "$outputs/taken-2.mp4"
check "… the folder" test -d "$outputs/taken-3.mp4"
for name in .part-1.mp4.part-1.part .part-2.mp4.part-2.part; do
    ln -s "$outside/precious" "$outputs/$name"
done
ln -sf "$outside/planted" "$outputs/.part-2.mp4.part-2.part"
for i in 1 2; do
    post "{\"id\": \"part-$i\", \"model\": \"$model\", \"input\": {\"prompt\": \"part $i\"}}" >/dev/null
done
check "a link in the place of a part lets the jobs wait" exits 8 reel wait part-1 part-2 --timeout 10s
check "… and is never written through" equal precious "$(cat "$outside/precious")"
check "… nor made to lead somewhere" not test -e "$outside/planted"
# Folders that become links and back while files arrive.
(
    while true; do
        mv "$outputs/swapped" "$outputs/aside" 2>/dev/null && ln -s "$outside" "$outputs/swapped"
        rm -f "$outputs/swapped" 2>/dev/null
        mv "$outputs/aside" "$outputs/swapped" 2>/dev/null
    done
) 2>/dev/null &
swapper=$!
processes+=("$swapper")
for i in {1..12}; do
    post "{\"id\": \"swapped-$i\", \"model\": \"$model\", \"input\": {\"prompt\": \"swapped $i\"},
        \"output\": \"swapped/{id}.{ext}\"}" >/dev/null
done
reel wait swapped-{1..12} --timeout 20s >/dev/null 2>&1
kill "$swapper"
wait "$swapper" 2>/dev/null
check "a folder that is swapped for a link all the time leads nowhere" equal precious "$(ls "$outside")"
rm -f "$outputs/swapped"
[[ -d $outputs/aside ]] && mv "$outputs/aside" "$outputs/swapped"
check "the daemon lives on" is_alive

# --- both servers
# say PORT-or-SOCKET: what is answered to the bytes on stdin.
say() {
    if [[ $1 == "$socket" ]]; then
        timeout 10 curl -sS --max-time 5 --unix-socket "$socket" telnet://reeld 2>/dev/null
    else
        timeout 10 curl -sS --max-time 5 "telnet://127.0.0.1:$1" 2>/dev/null
    fi
}
count_answers() { printf '%b' "$1" | say "$2" | grep -ac '^HTTP/1.1 '; }
hidden='GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n'
for server in "$socket" "$hooks"; do
    name=webhooks
    [[ $server == "$socket" ]] && name=socket
    check "$name: a length beside chunks hides no request" equal 1 "$(count_answers \
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n$hidden" "$server")"
    check "$name: two lengths hide no request" equal 1 "$(count_answers \
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 60\r\n\r\n$hidden" "$server")"
    check "$name: an odd encoding hides no request" equal 1 "$(count_answers \
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, x\r\n\r\n0\r\n\r\n$hidden" "$server")"
    check "$name: a body that is announced and not sent is no request" equal 0 "$(count_answers \
        "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{}" "$server" | head -c 1)"
    check "$name: a line end in a path splits nothing" equal 0 "$(printf \
        'GET /v1/jobs/a%%0d%%0aX-Evil:%%20b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' |
        say "$server" | grep -aic '^x-evil')"
done
for text in 'a%0d%0aX:b' '..%2f..%2fetc%2fpasswd' '%00' '%ff%fe' "'%20OR%201=1--" '%2e%2e' '%E2%80%AE'; do
    check "GET /v1/jobs/$text is no job" contains '400 404' "$(api_status "/v1/jobs/$text" --path-as-is)"
    check "… and is answered in UTF-8" iconv -f UTF-8 -t UTF-8 "$scratch/api.body"
done
for name in batch model label.k; do
    check "a query for a hostile $name finds nothing" equal 0 "$(api \
        "/v1/jobs?$name=x%27%20OR%201%3D1%20--" | rows "SELECT json_array_length(j, '\$.jobs') FROM doc")"
done

# --- floods: more silent connections than there is room for
flood=()
for ((i = 0; i < 300; i++)); do
    exec {fd}<>"/dev/tcp/127.0.0.1/$hooks" || break
    ((i % 3 == 0)) && printf 'POST /hooks/' >&"$fd"
    flood+=("$fd")
done 2>/dev/null
check "300 silent connections are open" test "${#flood[@]}" -ge 280
check "a delivery among them is still answered" equal 404 \
    "$(curl -sS --max-time 10 -o /dev/null -w '%{http_code}' "$hooks_url/hooks/fal/$(printf '0%.0s' {1..32})" -d '{}')"
check "jobs complete by their webhooks meanwhile" works flood
for fd in "${flood[@]}"; do exec {fd}>&-; done

# --- the configuration at a reload
cp "$config" "$scratch/good.toml"
for broken in '[' '[,' 'a = [[[' '[paths]\nstate = "/../x"' 'x = "\xff"' '\x00'; do
    printf '%b' "$broken" >"$config"
    kill -HUP "$daemon"
    refused_count() { (($(grep -c 'the new configuration is not taken' "$log") >= $1)); }
    reloads=$((${reloads:-0} + 1))
    check "a broken configuration is refused" eventually 10 refused_count "$reloads"
done
cp "$scratch/good.toml" "$config"
check "the daemon is at work after all that" works everything
check "no key reached a log or a file outside" not grep -rqa "$secret" "$log" "$outside" "$state"
check "nothing was paid twice" billed_once
check "it stops" stop_daemon
check "the database is sound" database_is_sound
finish
