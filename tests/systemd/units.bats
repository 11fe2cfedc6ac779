# SPDX-License-Identifier: Apache-2.0
# The units in a systemd that has really booted, enabled as a person would. The tests are one story: each begins where
# the one before it ended.
load machine

setup_file() {
    prepare_tree
    start_trusted_endpoint
    configuration >"$tree/etc/oci-oauth/config.json"
    prepare_container
    # Nothing of this is fresh: only the units can have published it.
    a_login 28800
    cat >"$tree/etc/systemd/system/engine.service" <<-'END'
		[Unit]
		Description=Stands for a container engine: any service that starts at boot
		[Service]
		Type=oneshot
		ExecStart=/bin/sh -c 'cat /run/oci-oauth/share/claude/token >/var/lib/at-start'
		[Install]
		WantedBy=multi-user.target
		END
    systemctl --root "$tree" --quiet enable engine.service oci-oauth-publish.service oci-oauth-refresh.timer \
        oci-oauth-refresh.path oci-oauth-refresh.socket
    boot
}

teardown() {
    [[ ! -e $shared/held ]] || { rm "$shared/held" && restart_ticks; }
}

# More often in ten seconds than a manager allows: systemd.unit(5), StartLimitBurst=.
restart_ticks() {
    unit reset-failed oci-oauth-refresh.timer oci-oauth-refresh.path
    unit restart oci-oauth-refresh.timer oci-oauth-refresh.path
}

teardown_file() {
    shut_down
    stop_endpoint
    remove_tree
}

@test "after a boot the token was there before an engine started, in a tmpfs of its own" {
    [[ $(<"$tree/var/lib/at-start") == "$(current_token)" ]]
    [[ $(machine findmnt --noheadings --output FSTYPE,OPTIONS /run/oci-oauth/share) == tmpfs*noexec* ]]
    is_in_state active 'run-oci\x2doauth-share.mount'
    # What one container has of it leads by no handle to what another profile's has.
    [[ $(machine findmnt --noheadings --output FSTYPE /run/oci-oauth/share/claude) == tmpfs ]]
    [[ $(machine stat -c %d /run/oci-oauth/share/claude) != "$(machine stat -c %d /run/oci-oauth/share)" ]]
    [[ $(counted posts) == 0 ]]
}

@test "systemd finds nothing wrong with the units, and rates what refreshes and what asks the endpoint 2.0 or better" {
    local service complaints
    complaints=$(machine systemd-analyze verify --man=no \
        /usr/local/lib/systemd/system/oci-oauth-*.{service,timer,path,socket} 2>&1 | grep oci-oauth || true)
    [[ -z $complaints ]]
    for service in refresh publish serve exchange@x sinks@x fleet; do
        echo "# $(machine systemd-analyze security "oci-oauth-$service.service" --no-pager | tail -n 1)" >&3
    done
    for service in refresh publish serve exchange@x; do
        machine systemd-analyze security "oci-oauth-$service.service" --no-pager --threshold=20 >/dev/null
    done
}

# Until the test ends only the socket refreshes.
hold_ticks() {
    touch "$shared/held"
    unit stop oci-oauth-refresh.path oci-oauth-refresh.timer
}

# unit_finding NAME: what doctor says of a unit, as "VERDICT: MESSAGE (REMEDY)".
unit_finding() {
    machine sh -c 'oci-oauth doctor --json || true' |
        jq -r --arg check "unit $1" '.findings[] | select(.check == $check) | "\(.verdict): \(.message) (\(.remedy // ""))"'
}

@test "doctor says which unit is off and when the timer ticks next" {
    [[ $(unit_finding oci-oauth-refresh.timer) == 'ok: active, next at '*' 20'*' ()' ]]
    [[ $(unit_finding oci-oauth-refresh.socket) == 'ok: active ()' ]]
    hold_ticks
    [[ $(unit_finding oci-oauth-refresh.timer) == 'problem: is inactive: '*'(systemctl enable --now oci-oauth-refresh.timer)' ]]
    [[ $(unit_finding oci-oauth-refresh.path) == 'warning: is inactive: '*'(systemctl enable --now oci-oauth-refresh.path)' ]]
}

@test "a container asks at the socket, and the exchange runs in the unit's sandbox" {
    hold_ticks
    local posts
    posts=$(counted posts)
    a_login -60
    start_container
    container_has_current_token
    [[ $(counted posts) == $((posts + 1)) ]]
    [[ $(journal --unit oci-oauth-serve.service --output cat) == *"refresh 'claude': refreshed"* ]]
}

@test "five hundred ask at the same time, and one request answers them all" {
    hold_ticks
    local posts
    posts=$(counted posts)
    a_login -60
    [[ $(ask 500 claude) == '500 answered 0' ]]
    [[ $(counted posts) == $((posts + 1)) ]]
    [[ $(ask 1 nobody) == '1 answered 2' ]]
}

@test "clients that never ask, or ask without end, do not delay others" {
    machine timeout 60 ask-refresher "$socket" hold 300 >"$shared/silent" &
    machine timeout 60 ask-refresher "$socket" hold 300 clau >"$shared/halting" &
    machine timeout 60 ask-refresher "$socket" hold 300 "$(printf '%01000d' 0)" >"$shared/endless" &
    eventually test -s "$shared/silent" -a -s "$shared/halting" -a -s "$shared/endless"
    [[ $(ask 50 claude) == '50 answered 0' ]]
    kill %1 %2 %3
}

@test "another user is rejected, even if the socket let them in" {
    machine chmod 711 /run/oci-oauth
    machine chmod 666 "$socket"
    [[ $(as_person ask-refresher "$socket" ask 1 claude) == '1 answered none' ]]
    machine chmod 600 "$socket"
    machine chmod 700 /run/oci-oauth
    [[ $(journal --unit oci-oauth-serve.service --output cat) == *"refused a request from uid $person_id"* ]]
}

@test "a login that its owner's program rotates is in the running container at once" {
    local how
    for how in a_login a_login_in_place a_login; do
        eventually is_in_state inactive oci-oauth-refresh.service
        "$how" 28800
        local began=${EPOCHREALTIME/./}
        eventually container_has_current_token
        echo "# $how: $(((${EPOCHREALTIME/./} - began) / 1000)) ms" >&3
    done
}

@test "only the exchange has the network, and it runs as the login's owner" {
    hold_ticks
    # Answers so late that there is time to look.
    script '{"delay_ms": 3000}'
    a_login -60
    ask 1 claude >"$shared/answer" &
    local asking=$! exchange refresh
    is_asking() {
        exchange=$(machine pgrep --full '^oci-oauth-exchange$') && refresh=$(machine pgrep --full '/oci-oauth .*refresh --exchange')
    }
    eventually is_asking
    namespace() { machine readlink "/proc/$1/ns/net"; }
    [[ $(namespace "$exchange") == "$(namespace 1)" ]]
    [[ $(namespace "$refresh") != "$(namespace 1)" ]]
    [[ $(machine ps --no-headers --format uid,cgroup --pid "$exchange") == *"$person_id "*oci-oauth-exchange@* ]]
    [[ $(machine grep -E '^Cap(Inh|Prm|Eff|Amb):' "/proc/$exchange/status" | cut -f 2 | sort -u) == 0000000000000000 ]]
    wait "$asking"
    [[ $(<"$shared/answer") == '1 answered 0' ]]
}

@test "each new token comes to a sink once, and a sink that hangs keeps nobody waiting" {
    local taken=/var/lib/taken gate=/var/lib/gate
    machine mkfifo "$gate"
    # The gate opens when somebody writes to it.
    configuration ".sinks = [{exec: [\"/bin/sh\", \"-c\", \": <$gate; { cat; echo; } >>$taken\"], timeout: \"1m\"}]" \
        >"$tree/etc/oci-oauth/config.json"
    a_login -60
    [[ $(ask 1 claude) == '1 answered 0' ]]
    container_has_current_token
    [[ ! -e $(in_machine "$taken") ]]
    has_taken() { [[ $(tail -n 1 "$(in_machine "$taken")" 2>/dev/null) == "$(current_token)" ]]; }
    open_gate() { machine timeout 1 sh -c ": >$gate" || true; }
    open_and_look() { open_gate && has_taken; }
    eventually open_and_look
    a_login 28800
    eventually open_and_look
    unit start oci-oauth-refresh.service
    is_quiet() { [[ -z $(machine systemctl list-units --no-legend 'oci-oauth-sinks@*') ]]; }
    eventually is_quiet
    [[ $(sort "$(in_machine "$taken")" | uniq --repeated) == '' ]]
    [[ $(journal --unit 'oci-oauth-sinks@*' --output cat) == *"'claude': sink 'exec /bin/sh': has the token"* ]]
    configuration >"$tree/etc/oci-oauth/config.json"
}

@test "files that were written into a container's own directory are kept current from within the sandbox" {
    machine mkdir /srv/kept
    start_container given '.mounts |= map(if .destination == $target then
        {type: "bind", source: "/srv/kept", destination: $target, options: ["bind", "rw"]} else . end)'
    written_token() { cat "$(in_machine /srv/kept/token)"; }
    [[ $(written_token) == "$(current_token)" ]]
    a_login 28800
    is_written() { [[ $(written_token) == "$(current_token)" ]]; }
    eventually is_written
    stop_container given
    [[ -z $(machine ls -A /srv/kept) ]]
}

@test "a directory that was renamed on the host is kept current through the container, from within the sandbox" {
    machine mkdir /srv/named
    start_container given '.mounts |= map(if .destination == $target then
        {type: "bind", source: "/srv/named", destination: $target, options: ["bind", "rw"]} else . end)'
    machine mv /srv/named /srv/renamed
    a_login 28800
    is_written() { [[ $(cat "$(in_machine /srv/renamed/token)") == "$(current_token)" ]]; }
    eventually is_written
    machine mv /srv/renamed /srv/named
    stop_container given
    [[ -z $(machine ls -A /srv/named) ]]
}

@test "the timer refreshes a due token; a drop-in makes it tick fast" {
    mkdir -p "$tree/etc/systemd/system/oci-oauth-refresh.timer.d"
    cat >"$tree/etc/systemd/system/oci-oauth-refresh.timer.d/fast.conf" <<-'END'
		[Timer]
		OnCalendar=
		OnCalendar=*:*:0/2
		RandomizedDelaySec=0
		AccuracySec=1ms
		END
    unit daemon-reload
    restart_ticks
    unit stop oci-oauth-refresh.path
    local before
    before=$(counted refreshes)
    a_login -60
    is_refreshed() { (($(counted refreshes) > before)); }
    eventually is_refreshed
    eventually container_has_current_token
    rm -r "$tree/etc/systemd/system/oci-oauth-refresh.timer.d"
    unit daemon-reload
    restart_ticks
}

@test "a token with a far shorter lifetime than the timer's interval is replaced before it expires on an idle host" {
    local life=12 rotations=3 step refreshes expires
    for ((step = 0; step < 2 * rotations; step++)); do
        script "{\"members\": {\"expires_in\": $life}}"
    done
    refreshes=$(counted refreshes)
    a_login "$life"
    eventually is_published
    for ((step = 1; step <= rotations; step++)); do
        expires=$(jq .claudeAiOauth.expiresAt "$(in_machine /run/oci-oauth/share/claude/.credentials.json)")
        [[ $(control "wait?refreshes=$((refreshes + step))&timeout_ms=$((life * 1000))" | jq ".answered_us / 1000 < $expires") == true ]]
        eventually is_published
    done
    is_in_state active oci-oauth-serve.service
}

@test "a server that is killed comes back, since such a token needs it" {
    local pid
    pid=$(machine systemctl show --property MainPID --value oci-oauth-serve.service)
    machine kill -KILL "$pid"
    came_back() { [[ $(machine systemctl show --property MainPID --value oci-oauth-serve.service) != @(0|"$pid") ]]; }
    eventually came_back
}

@test "it exits when no token needs it, and there are no requests" {
    a_login 28800
    eventually is_published
    eventually is_in_state inactive oci-oauth-serve.service
}

@test "the share that containers hold survives whatever happens to the units" {
    local before
    before=$(inside stat -c %d:%i "$target")
    unit restart oci-oauth-publish.service oci-oauth-refresh.service oci-oauth-serve.service
    unit stop oci-oauth-refresh.timer oci-oauth-refresh.path oci-oauth-refresh.socket
    unit start oci-oauth-refresh.timer oci-oauth-refresh.path oci-oauth-refresh.socket
    unit daemon-reload
    local mount
    for mount in 'run-oci\x2doauth-share.mount' 'run-oci\x2doauth-share-claude.mount'; do
        run unit stop "$mount"
        ((status != 0))
    done
    [[ $(machine stat -c %d:%i /run/oci-oauth/share/claude) == "$before" ]]
    a_login 28800
    eventually container_has_current_token
}

@test "a container that was killed with its engine is forgotten at the next run" {
    [[ $(machine ls /run/oci-oauth/containers) == box.json ]]
    machine sh -c 'kill -KILL "$(cat /run/box.pid)"'
    unit start oci-oauth-refresh.service
    [[ -z $(machine ls /run/oci-oauth/containers) ]]
}

@test "the journal contains each message with its priority, and no secret" {
    priorities() { journal --unit 'oci-oauth-*.service' --output json | jq -r 'select(.MESSAGE | test("oci-oauth: .*'"$1"'")).PRIORITY' | sort -u; }
    [[ $(priorities refreshed) == 6 ]]
    as_person_outside sh -c 'echo "{" >"$1"' - "$login"
    is_told() { [[ $(priorities '[.]credentials[.]json') == 3 ]]; }
    eventually is_told
    [[ $(journal | grep -c sk-ant-) == 0 ]]
    a_login 28800
}

@test "once disabled, only the share is left" {
    unit disable --now --quiet oci-oauth-publish.service oci-oauth-refresh.{timer,path,socket}
    eventually nothing_runs
    [[ ! -e $(in_machine "$socket") && ! -e $(in_machine /run/oci-oauth-exchange.sock) ]]
    [[ -z $(machine pgrep oci-oauth) ]]
    [[ -e $(in_machine /run/oci-oauth/share/claude/token) ]]
}

# The machine's files in /etc, with what they hold and where links lead.
etc() { (cd "$tree/etc" && find . -type f -exec sha256sum {} + && find . -type l -printf '%p %l\n') | sort; }

@test "install systemd enables the units, twice is the same as once, and uninstall leaves no trace" {
    local before all
    before=$(etc)
    all=$(printf 'abled %s\n' oci-oauth-boot.timer oci-oauth-publish.service oci-oauth-refresh.{path,socket,timer})
    [[ $(machine oci-oauth install systemd --dry-run) == *"${all//abled/would enable}"* ]]
    [[ $(etc) == "$before" ]]
    [[ $(machine oci-oauth install systemd) == *"${all//abled/enabled}"* ]]
    is_in_state active oci-oauth-refresh.timer
    is_in_state active oci-oauth-refresh.path
    a_login 28800
    eventually is_published
    [[ $(machine oci-oauth install systemd) == *'systemd: is already registered'* ]]
    [[ $(machine oci-oauth uninstall systemd) == *"${all//abled/disabled}"* ]]
    eventually nothing_runs
    [[ $(etc) == "$before" ]]
}

@test "the first engine enables the units, and the last one takes them with it" {
    local before all
    before=$(etc)
    all=$(printf 'abled %s\n' oci-oauth-boot.timer oci-oauth-publish.service oci-oauth-refresh.{path,socket,timer})
    [[ $(machine oci-oauth install docker) == "wrote /etc/docker/daemon.json"*"${all//abled/enabled}"*'next: systemctl reload docker' ]]
    is_in_state active oci-oauth-refresh.timer
    machine oci-oauth install systemd
    [[ $(machine oci-oauth uninstall docker) == $'removed /etc/docker/daemon.json\nnext: systemctl reload docker' ]]
    is_in_state active oci-oauth-refresh.timer
    [[ $(machine oci-oauth uninstall systemd) == *"${all//abled/disabled}"* ]]
    eventually nothing_runs
    [[ $(etc) == "$before" ]]
}

@test "a person's own manager does the same without root" {
    local own=/run/user/$person_id/oci-oauth
    unit start "user@$person_id.service"
    as_person_outside mkdir -p "$tree/home/$person/.config/oci-oauth"
    configuration | as_person_outside tee "$tree/home/$person/.config/oci-oauth/config.json" >/dev/null
    [[ $(as_person oci-oauth install systemd) == *'enabled '*oci-oauth-refresh.timer* ]]
    own_token_is_current() { [[ $(cat "$(in_machine "$own/share/claude/token")" 2>/dev/null) == "$(current_token)" ]]; }
    eventually own_token_is_current
    a_login 28800
    eventually own_token_is_current
    a_login -60
    [[ $(as_person ask-refresher "$own/refresh.sock" ask 20 claude) == '20 answered 0' ]]
    own_token_is_current
    [[ $(as_person oci-oauth install podman) == 'wrote '*/oci-oauth.conf$'\n'* ]]
    [[ $(as_person sh -c 'oci-oauth doctor || true') == *'warning  linger '*'is off: after you log out'*'hint: loginctl enable-linger'* ]]
    [[ $(as_person sh -c 'oci-oauth install systemd 2>&1') == *"unless you run 'loginctl enable-linger'"* ]]
    machine mkdir -p /var/lib/systemd/linger
    machine touch "/var/lib/systemd/linger/$person"
    [[ $(as_person sh -c 'oci-oauth doctor || true') != *linger* ]]
    as_person oci-oauth uninstall systemd
    [[ $(as_person oci-oauth uninstall podman) == *'disabled '*oci-oauth-refresh.timer* ]]
    nothing_of_theirs_runs() { [[ -z $(as_person systemctl --user list-units --no-legend 'oci-oauth*') ]]; }
    eventually nothing_of_theirs_runs
    [[ ! -e $(in_machine "$own/refresh.sock") ]]
}
