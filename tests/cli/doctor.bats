# SPDX-License-Identifier: Apache-2.0
# Each finding of oci-oauth doctor, provoked for real; only systemctl is a stand-in, where no systemd runs.
load words

# A login of another user's, whose rights the doctor must take.
a_login_of_somebody() {
    a_login
    chmod 711 "$OPERATOR_HOME"
    chown -R "$somebody:$somebody" "$OPERATOR_HOME"
    a_profile
}

@test "a healthy profile is ok, and the exit code is 0" {
    a_login_of_somebody
    run -0 oci_oauth doctor
    [[ $output == *"ok       login 'claude' "*"readable and writable by uid $somebody, mode 0600"* ]]
    doctor_finds ok "token endpoint of 'claude'" 'its certificate is trusted'
    doctor_finds ok "locks of 'claude'" 'no lock is left behind'
    doctor_finds ok 'runtime directory' 'will be created by the first refresh'
    doctor_finds ok kernel 'has openat2, open_tree, move_mount, mount_setattr, close_range'
    doctor_finds warning units 'systemd is not running' 'every 30 minutes, for example from cron: oci-oauth refresh'
    refreshed
    doctor_finds ok 'runtime directory' 'is private and in memory'
    [[ $(counted posts) == 1 ]]
}

@test "a problem is exit code 1" {
    a_login
    a_profile
    rm "$CREDENTIALS"
    run -1 oci_oauth doctor
    [[ $output == *"problem  login 'claude' "*'1 problem, '* ]]
    doctor_finds problem "login 'claude'" 'No such file or directory' "log in first, with 'claude /login'"
}

@test "a broken configuration is the only finding" {
    a_login
    a_profile '.colour = "red"'
    doctor_finds problem configuration '/profiles/claude/colour: is not a known key' 'known keys'
    [[ $(findings | jq '.findings | length') == 1 ]]
}

@test "a configuration that others can change is named with the command that fixes it" {
    a_login
    a_profile
    chmod 666 "$CONFIG"
    doctor_finds problem configuration 'other users can change it' "chmod go-w $CONFIG"
}

@test "a provider that is not there" {
    a_login
    a_profile '.provider = "other"'
    doctor_finds problem "provider 'other'" 'there is no other.json' '"claude"'
}

@test "the link that an image needs for a client without a variable, if the target is not its own directory" {
    a_login
    a_profile '.provider = "codex" | .target = ["/run/secrets/codex", "/home/node/.codex"]'
    doctor_finds ok "link of 'claude'" \
        'its client needs one in the image: mkdir -p ~/.codex && ln -s /run/secrets/codex/auth.json ~/.codex/auth.json'
    [[ $(findings | jq '[.findings[] | select(.check | startswith("link"))] | length') == 1 ]]
}

@test "a login that others can read, that is root's, that has other names" {
    a_login_of_somebody
    chmod 644 "$CREDENTIALS"
    ln "$CREDENTIALS" "$OPERATOR_HOME/other-name"
    doctor_finds warning login 'mode 0644' "chmod 0600 $CREDENTIALS"
    doctor_finds warning login 'has 2 hard links' 'find / -xdev -samefile'
    chown 0 "$CREDENTIALS"
    doctor_finds problem login 'belongs to uid 0' "chown $somebody $CREDENTIALS"
    doctor_finds problem login 'cannot be written' "chown $somebody"
    chmod 600 "$CREDENTIALS"
    doctor_finds problem login 'Permission denied' "chown $somebody $CREDENTIALS"
}

@test "a login that contains none" {
    a_login
    a_profile
    edit_file "$CREDENTIALS" 'del(.claudeAiOauth.refreshToken)'
    doctor_finds warning login 'contains no refresh token: its access token is used until 20' 'log in with a program that keeps'
    edit_file "$CREDENTIALS" 'del(.claudeAiOauth.accessToken)'
    doctor_finds problem login '/claudeAiOauth/refreshToken: there is no token' 'log in again'
    echo '{"claudeAiOauth":' >"$CREDENTIALS"
    doctor_finds problem login 'not JSON' 'log in again'
    rm "$CREDENTIALS" && mkdir "$CREDENTIALS"
    doctor_finds problem login 'is a directory, not a file'
}

@test "a login that has expired" {
    a_login
    a_profile
    edit_file "$CREDENTIALS" '.claudeAiOauth.refreshTokenExpiresAt = ((now - 60) * 1000 | floor)'
    doctor_finds problem login 'the login itself expired at 20' 'log in again'
}

@test "a symbolic link is shown with where it leads" {
    a_login
    ln -s "$CREDENTIALS" "$OPERATOR_HOME/link"
    a_profile ".credentials = \"$OPERATOR_HOME/link\""
    doctor_finds ok login "$OPERATOR_HOME/link -> $CREDENTIALS"
}

@test "a single mounted file, and a read-only directory" {
    a_login
    a_profile
    mount --bind "$CREDENTIALS" "$CREDENTIALS"
    doctor_finds warning login 'is mounted as a single file' 'mount its directory'
    umount "$CREDENTIALS"
    mount --bind -o ro "${CREDENTIALS%/*}" "${CREDENTIALS%/*}"
    doctor_finds problem login 'Read-only file system' 'mount it read-write'
}

@test "what an interrupted refresh left, and what is in its way" {
    a_login_of_somebody
    local journal=${CREDENTIALS%/*}/.${CREDENTIALS##*/}.oci-oauth.journal
    echo '{}' >"$journal"
    doctor_finds problem login 'is a regular file that belongs to uid 0' "chown $somebody $journal"
    chown "$somebody" "$journal"
    doctor_finds warning login 'a refresh was interrupted' 'oci-oauth refresh claude'
    [[ $(SUDO_UID=$somebody oci-oauth --config "$CONFIG" doctor --json | jq '.findings[].remedy') == *'"sudo oci-oauth refresh claude"'* ]]
}

@test "locks left behind: stale, future-dated, root's, and no lock at all" {
    a_login_of_somebody
    local lock=${CREDENTIALS%/*}/.oauth_refresh.lock other=${CREDENTIALS%/*}.lock
    mkdir "$lock"
    doctor_finds problem 'locks' 'was left behind by uid 0' "rmdir $lock"
    chown "$somebody" "$lock"
    doctor_finds ok 'locks' 'no lock is left behind' # somebody holds it right now
    touch -d '10 minutes ago' "$lock"
    doctor_finds warning 'locks' 'was left behind 10 min ago' "rmdir $lock"
    touch -d 'next hour' "$lock"
    doctor_finds warning 'locks' 'in the future' "rmdir $lock"
    touch "$other"
    doctor_finds problem 'locks' 'no program can take this lock' "rm $other"
}

@test "a token endpoint out of reach: refused, unknown, not trusted" {
    a_login
    a_profile
    configure '.profiles.claude.token_url = "https://no-such-host.invalid/"'
    doctor_finds problem 'token endpoint' 'cannot be resolved' 'DNS'
    a_profile
    configure 'del(.profiles.claude.ca_file)'
    doctor_finds problem 'token endpoint' 'certificate' 'ca_file'
    a_profile
    stop_endpoint
    doctor_finds problem 'token endpoint' 'connection refused' 'firewall'
}

# Answers one request on port 18999 with a Date of long ago.
a_server_of_another_time() {
    perl -MIO::Socket::INET -e '
        $| = 1;
        my $listener = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1:18999", ReuseAddr => 1) or die;
        print "listening\n";
        my $caller = $listener->accept;
        while (<$caller>) { last if /^\r$/ }
        print $caller "HTTP/1.1 404 no\r\nDate: Mon, 23 Nov 2020 10:00:00 GMT\r\nContent-Length: 0\r\n\r\n";'
}

@test "a clock that differs from the server's" {
    a_login
    a_profile '.token_url = "http://127.0.0.1:18999/"'
    a_server_of_another_time >"$BATS_TEST_TMPDIR/server.log" 3>&- &
    local server=$!
    eventually --at "$BATS_TEST_TMPDIR" grep -q listening "$BATS_TEST_TMPDIR/server.log"
    doctor_finds warning 'token endpoint' "this host's clock is " 'timedatectl set-ntp true'
    wait "$server"
}

@test "a runtime directory that others may enter" {
    a_login
    a_profile
    refreshed
    chmod 755 "$(runtime_dir)"
    doctor_finds problem 'runtime directory' 'must belong to uid 0, without access for others (it has uid 0, mode 0755)' 'chmod 0700'
}

@test "a share that is on a disk" {
    a_login
    a_profile
    local disk
    disk=$(mktemp -d /var/tmp/oci-oauth-doctor-XXXXXX)
    if [[ $(stat -f -c %T "$disk") == tmpfs ]]; then
        rmdir "$disk"
        skip '/var/tmp is in memory here'
    fi
    install -d -m 700 "$disk/run"
    mkdir "$disk/run"/{share,profiles,containers}
    configure ".runtime_dir = \"$disk/run\""
    run doctor_finds warning 'runtime directory' 'is on a disk' 'set "runtime_dir"'
    rm -r "$disk"
    ((status == 0))
}

@test "a missing kernel call is reported with its consequence" {
    a_login
    a_profile
    without() { strace --quiet=all --output=/dev/null --inject="$1:error=ENOSYS" oci-oauth --config "$CONFIG" doctor || true; }
    [[ $(without openat2) == *'problem  kernel'*'openat2 (Linux 5.6 or later) is not available: no delivery'* ]]
    [[ $(without move_mount) == *'problem  kernel'*'bind-mount a directory at the target'* ]]
    [[ $(without close_range) == *'warning  kernel'*'close_range'* ]]
    [[ $(without landlock_create_ruleset) == *'warning  kernel'*'Landlock'* ]]
}

@test "units: active with the next tick, inactive, not installed" {
    a_login
    a_profile
    mkdir -p /run/systemd/system "$BATS_TEST_TMPDIR/bin"
    # What systemctl(1) of systemd 252 prints.
    cat >"$BATS_TEST_TMPDIR/bin/systemctl" <<'END'
#!/bin/sh
case $2 in
    *.timer) printf '%s\n' 'NextElapseUSecRealtime=Tue 2026-11-24 07:00:00 UTC' 'Result=success' LoadState=loaded ActiveState=active UnitFileState=enabled ;;
    *.path) printf '%s\n' LoadState=loaded ActiveState=inactive UnitFileState=disabled ;;
    *) printf '%s\n' LoadState=not-found ActiveState=inactive UnitFileState= ;;
esac
END
    chmod +x "$BATS_TEST_TMPDIR/bin/systemctl"
    PATH=$BATS_TEST_TMPDIR/bin:$PATH run oci-oauth --config "$CONFIG" doctor
    rmdir /run/systemd/system
    [[ $output == *'ok       unit oci-oauth-refresh.timer '*'active, next at Tue 2026-11-24 07:00:00 UTC'* ]]
    [[ $output == *'is inactive: a new login is noticed only at the next tick'*'hint: systemctl enable --now oci-oauth-refresh.path'* ]]
    [[ $output == *'is not installed: '*'hint: oci-oauth install systemd'* ]]
}
