#!/bin/sh
# SPDX-License-Identifier: MIT
# Block forwarded UDP to one port with Fast Queue, until Ctrl-C: block.sh [PORT]
# Needs no program of one's own: one rule for nftables, two for the handler.
set -eu
port=${1:-5001}
case $port in
'' | *[!0-9]*) set -- '' '' ;;
esac
if [ $# -gt 1 ]; then
    echo 'usage: block.sh [PORT]    (5001)' >&2
    exit 2
fi
rules=$(mktemp)
trap 'nft delete table inet example; rm -f "$rules"' EXIT

cat >"$rules" <<END
drop proto udp dport $port
default accept
END
modprobe fastqueue
nft -f - <<END
table inet example {
    chain forward {
        type filter hook forward priority filter
        meta l4proto udp queue num 0 bypass
    }
}
END
python3 -m fastqueue run --queue 0 --default accept fivetuple "$rules" &
handler=$!
trap 'kill "$handler"' INT TERM
while kill -0 "$handler" 2>/dev/null; do
    wait "$handler" || : # ends early with a signal
done
