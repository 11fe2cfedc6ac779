# shellcheck shell=bash disable=SC2034,SC2119,SC2120,SC2154
# SPDX-License-Identifier: Apache-2.0
# Rounds of a client on the host beside `oci-oauth refresh`, on the login $LOGIN of the profile $PROFILE. A suite says
#
#   hold_refreshes N       the next N requests of a refresh are not answered before `release_all`
#   refreshes_held         how many were held so far
#   start_on_host          the client in the background, as `client_pid`

start_refresh() {
    oci_oauth refresh "$@" "$PROFILE" </dev/null >>"$WORLD/refresh.log" 2>&1 &
    refresh_pid=$!
}

# end NAME PID: waits for it, and notes if it failed.
end() {
    wait "$2" || {
        echo "round $round: $1 failed" >>"$WORLD/failed"
        tail -n 5 "$WORLD/output" "$WORLD/refresh.log" || true
    }
}

# Notes each time that the login is opened.
watch_login() {
    : >"$WORLD/failed"
    inotifywait --quiet --monitor --event open --format '%f' --outfile "$WORLD/looks" "${LOGIN%/*}" </dev/null 2>/dev/null 3>&- &
    helpers+=("$!")
    : >"$WORLD/looks"
    eventually is_watched
}
is_watched() { : <"$LOGIN" && (($(times_looked))); }
times_looked() { grep -cxF "${LOGIN##*/}" "$WORLD/looks" || true; }
has_looked() { (($(times_looked) > $1)); }
are_held() { (($(refreshes_held) >= $1)); }

# race_for_the_lock SECONDS: one side's request is held at the endpoint until the other has looked at the login and had so much
# time to send one, too.
race_for_the_lock() {
    local held looks
    hold_refreshes 2
    held=$(refreshes_held)
    if ((round % 2)); then
        start_refresh
        eventually --at "$REQUESTS" are_held $((held + 1))
        looks=$(times_looked)
        start_on_host
        eventually --at "$WORLD/looks" has_looked "$looks" || echo "round $round: it did not look" >>"$WORLD/failed"
    else
        start_on_host
        eventually --at "$REQUESTS" are_held $((held + 1))
        start_refresh
    fi
    ! event_wait_seconds=$1 eventually --at "$REQUESTS" are_held $((held + 2)) ||
        echo "round $round: both asked" >>"$WORLD/failed"
    release_all
    end client "$client_pid"
    end refresh "$refresh_pid"
}

times_refreshed() { grep -c ': refreshed, valid' "$WORLD/refresh.log" || true; }
times_lost() { grep -c lost "$WORLD/failed" || true; }
other_failures() { grep -vc lost "$WORLD/failed" || true; }
