# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# needs: nginx openssl strace
# The words of oauth.bash, and more:
#
#   sink JSON             adds a sink to the configuration
#   sink_state FILTER     what status --json says of the only sink
#   lines FILE            how many lines it has
#   start_nginx           starts Debian's nginx with the tree's configuration and what conf.d holds
#   issue_certificate DIR NAME   a self-signed certificate

load ../runtimes/oauth

sinks_setup() {
    oauth_setup
    lay_mounts_for_nginx
}

sinks_teardown() {
    [[ ! -s /run/nginx.pid ]] || { nginx -s stop && eventually --at /run test ! -e /run/nginx.pid; }
    rm -rf /etc/nginx/conf.d/*
    oauth_teardown
}

# What nginx writes to beside /run and /etc, which are the lab's.
lay_mounts_for_nginx() {
    local directory
    for directory in /var/log/nginx /var/lib/nginx; do
        ! mountpoint -q "$directory" || umount --lazy "$directory"
        mount -t tmpfs -o mode=755 tmpfs "$directory"
    done
    rm -f /etc/nginx/sites-enabled/*
}

sink() { configure ".sinks += [$1]"; }
sink_state() { oci_oauth status --json | jq -r ".sinks[0]$1"; }
lines() { wc -l <"$1"; }

start_nginx() { nginx </dev/null >"$BATS_TEST_TMPDIR/nginx.log" 2>&1 3>&- || { cat "$BATS_TEST_TMPDIR/nginx.log" && false; }; }

issue_certificate() {
    mkdir -p "$1"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1/key.pem" -out "$1/cert.pem" \
        -subj "/CN=$2" -addext "subjectAltName=DNS:$2" -days 1 2>/dev/null
}
