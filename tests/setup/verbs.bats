# SPDX-License-Identifier: Apache-2.0
load trees

@test "each mistake has its own message and exit code 2" {
    local -A mistakes=(
        [install]='install: needs one engine: podman, crio, docker, containerd'
        ['install kubernetes']="install: unknown engine 'kubernetes'"
        ['install podman docker']='install: needs one engine'
        ['install podman --default']='install: --default is for docker only'
        ['install podman --credentials=']="install: option '--credentials' needs a value"
        ['install podman --root=']="install: option '--root' needs a value"
        ['install podman --credentials /a/../b']="install: --credentials: '/a/../b' is not a path without '..'"
        ['install podman --colour']="install: unknown option '--colour'"
        ['uninstall']='uninstall: needs one engine, or --all'
        ['uninstall nothing']="uninstall: unknown engine 'nothing'"
        ['uninstall --all podman']='uninstall: needs one engine, or --all')
    local call
    for call in "${!mistakes[@]}"; do
        # shellcheck disable=SC2086
        run oci-oauth $call
        ((status == 2))
        [[ $output == *"error: ${mistakes[$call]}"* ]]
    done
    run oci-oauth install podman --root /nowhere
    [[ $status == 1 && $output == *'install: /nowhere: No such file or directory'*'hint: nothing was changed'* ]]
    run oci-oauth install podman --credentials /nowhere
    [[ $status == 1 && $output == *'install: --credentials: /nowhere: No such file or directory'* ]]
}

@test "--dry-run shows a diff and changes nothing" {
    a_file etc/docker/daemon.json <<<$'{\n  "debug": true\n}'
    run unchanged_by install_engine docker --dry-run
    ((status == 0))
    [[ $output == *"--- /dev/null
+++ $TREE/etc/oci-oauth/config.json"* ]]
    [[ $output == *"--- $TREE/etc/docker/daemon.json
+++ $TREE/etc/docker/daemon.json
@@ -1,3 +1,8 @@
 {
-  \"debug\": true
+  \"debug\": true,
+  \"runtimes\": {"* ]]
    install_engine docker
    run unchanged_by oci_oauth uninstall docker --dry-run
    ((status == 0))
    [[ $output == *"+++ /dev/null"* ]]
}

@test "where there is nothing to do, --dry-run says so too" {
    install_engine podman
    [[ $(install_engine podman --dry-run 2>/dev/null) == 'podman: is already registered' ]]
    oci_oauth uninstall --all
    [[ $(oci_oauth uninstall podman --dry-run) == 'podman: there is nothing to remove' ]]
    [[ $(oci_oauth uninstall --all) == 'no engine is registered' ]]
}

@test "missing programs are reported if the files name them, and only then" {
    local -A named=([podman]=libexec/oci/hooks.d/oci-oauth-hook [cdi]=libexec/oci/hooks.d/oci-oauth-hook
        [docker]=bin/oci-oauth-runtime [containerd]=bin/oci-oauth-runtime)
    local engine said
    for engine in "${!named[@]}"; do
        said=$(install_engine "$engine" --dry-run 2>&1 >/dev/null | grep 'does not exist')
        [[ $said == "oci-oauth: $TREE$OCI_OAUTH_PREFIX/${named[$engine]}: does not exist"* ]]
        [[ $(wc -l <<<"$said") == 1 ]]
    done
    [[ $(install_engine cdi --dry-run 2>&1) == *'cdi: dockerd, podman, crio, containerd not found'* ]]
}

@test "systemd: without a systemd that runs there is nothing to enable, and in a tree that is left to its systemctl" {
    run oci-oauth install systemd
    [[ $status == 1 && $output == *'systemd is not running'*'hint: every 30 minutes'* ]]
    run as_user oci-oauth install systemd
    [[ $status == 1 && $output == *"this user's systemd is not running"* ]]
    mkdir -p "$TREE$OCI_OAUTH_PREFIX/lib"
    cp -r "$OCI_OAUTH_PREFIX/lib/systemd" "$TREE$OCI_OAUTH_PREFIX/lib"
    run install_engine systemd
    [[ $status == 0 && $output == *"next: systemctl --root $TREE enable oci-oauth-"*' oci-oauth-refresh.timer'* ]]
}

# a_users_systemd COMMAND...: runs as a user whose systemctl is a stand-in: it notes its words, has enabled nothing, and
# fails at $FAILING.
a_users_systemd() {
    mkdir -p /run/systemd/system /mnt/home-run/systemd "$BATS_TEST_TMPDIR/bin"
    install -m 755 /dev/stdin "$BATS_TEST_TMPDIR/bin/systemctl" <<END
#!/bin/sh
echo "\$*" >>"\$HOME/.systemctl"
case \$* in *"${FAILING:-is-enabled}"*) echo 'it is broken' >&2; exit 1 ;; *is-enabled*) exit 1 ;; esac
END
    local code=0
    PATH=$BATS_TEST_TMPDIR/bin:$PATH as_user "$@" || code=$?
    rmdir /run/systemd/system /run/systemd /mnt/home-run/systemd
    return "$code"
}

@test "systemd: units that an uninstall has disabled are enabled again if it cannot change the files" {
    install -D -m 600 -o "$user_id" -g "$user_id" "$LOGIN" "$USER_HOME/.claude/.credentials.json"
    chown -R "$user_id:$user_id" "$USER_HOME"
    local state=$USER_HOME/.local/state/oci-oauth units
    a_users_systemd oci-oauth install systemd
    chmod 500 "$state"
    run a_users_systemd oci-oauth uninstall systemd
    chmod 700 "$state"
    [[ $status == 1 && $output == *'uninstall systemd: '*'Permission denied'* ]]
    units=$(tail -n1 "$USER_HOME/.systemctl")
    units=${units#'--user enable --now '}
    [[ $(tail -n2 "$USER_HOME/.systemctl") == "--user disable --now $units"$'\n'"--user enable --now $units" ]]
    a_users_systemd oci-oauth uninstall systemd
    [[ ! -e $state ]]
    rm -rf "$USER_HOME"/.[a-z]*
}

@test "systemd: a unit that cannot be enabled is the one whose state is asked for" {
    install -D -m 600 -o "$user_id" -g "$user_id" "$LOGIN" "$USER_HOME/.claude/.credentials.json"
    chown -R "$user_id:$user_id" "$USER_HOME"
    FAILING='enable --now' run a_users_systemd oci-oauth install systemd
    local units
    units=$(tail -n1 "$USER_HOME/.systemctl")
    units=${units#'--user enable --now '}
    [[ $status == 1 && $output == *"systemctl enable --now: it is broken"*"hint: systemctl --user status ${units%% *}" ]]
    a_users_systemd oci-oauth uninstall systemd
    rm -rf "$USER_HOME"/.[a-z]*
}

@test "each file that is written, changed or removed is listed, and none if there is nothing to do" {
    a_file etc/docker/daemon.json <<<'{}'
    [[ $(install_engine docker 2>/dev/null) == "wrote $TREE/etc/oci-oauth/config.json
changed $TREE/etc/docker/daemon.json" ]]
    [[ $(install_engine docker 2>/dev/null) == 'docker: is already registered' ]]
    [[ $(oci_oauth uninstall docker) == "removed $TREE/etc/oci-oauth/config.json
changed $TREE/etc/docker/daemon.json" ]]
    [[ $(oci_oauth uninstall docker) == 'docker: there is nothing to remove' ]]
}

@test "uninstall --all takes everything out" {
    a_file etc/docker/daemon.json <<<'{"debug": true}'
    a_file etc/containerd/config.toml <<<'version = 2'
    local before engine
    before=$(snapshot)
    for engine in podman docker containerd crio; do install_engine "$engine"; done
    oci_oauth uninstall --all
    diff <(echo "$before") <(snapshot)
}

@test "an engine that --all cannot take out is named, and the others are taken out" {
    local engine
    for engine in docker podman; do install_engine "$engine"; done
    echo '{' >"$TREE/etc/docker/daemon.json"
    run oci_oauth uninstall --all
    [[ $status == 1 && $output == *"error: uninstall: docker: $TREE/etc/docker/daemon.json:"*'hint: nothing of docker was changed; fix this and run it again'* ]]
    [[ ! -e $TREE/usr/share/containers ]]
}

@test "without the record of what was there, what is ours is still found" {
    a_file etc/docker/daemon.json <<<'{"debug": true}'
    install_engine docker --default
    rm -r "$TREE/var"
    oci_oauth uninstall docker
    [[ $(<"$TREE/etc/docker/daemon.json") == '{"debug": true}' ]]
    a_file etc/containerd/config.toml <<<'version = 2'
    install_engine containerd
    rm -r "$TREE/var"
    oci_oauth uninstall containerd
    [[ $(<"$TREE/etc/containerd/config.toml") == 'version = 2' ]]
}

@test "without the record, --all still takes everything out that engines read" {
    local engine
    a_file etc/containerd/config.toml <<<'version = 2'
    install_engine cdi
    for engine in podman docker containerd; do oci_oauth install "$engine"; done
    rm -r "$TREE/var"
    oci_oauth uninstall --all
    [[ -z $(grep -rl oci-oauth "$TREE"/{etc,usr} --exclude-dir oci-oauth) ]]
    [[ $(oci_oauth uninstall --all) == 'no engine is registered' ]]
}

@test "a broken record is refused with its place" {
    install_engine docker
    echo '{' >"$TREE/var/lib/oci-oauth/install.json"
    refuses oci_oauth uninstall docker
    [[ $output == *"$TREE/var/lib/oci-oauth/install.json:"*'not JSON'*"hint: rm $TREE/var/lib/oci-oauth/install.json"* ]]
}

@test "a configuration that is there is left as it is, and its login is not replaced" {
    a_file etc/oci-oauth/config.json <<<'{"profiles": {"claude": {"credentials": "/home/me/c.json"}}} // mine'
    run install_engine podman
    [[ $status == 2 && $output == *'already exists and has no profile with '* ]]
    oci_oauth install podman
    [[ $(<"$TREE/etc/oci-oauth/config.json") == *'// mine' ]]
    oci_oauth uninstall podman
    [[ $(<"$TREE/etc/oci-oauth/config.json") == *'// mine' ]]
}

@test "a configuration that cannot be read is refused by each engine, and anything can still be taken out" {
    install_engine podman
    echo '{"colour": 1}' >"$TREE/etc/oci-oauth/config.json"
    local engine
    for engine in podman crio docker containerd cdi; do
        run unchanged_by oci_oauth install "$engine"
        ((status == 2))
        [[ $output == *"install: $TREE/etc/oci-oauth/config.json: /colour: is not a known key"* ]]
    done
    oci_oauth uninstall podman
    [[ ! -e $TREE/usr/share && $(<"$TREE/etc/oci-oauth/config.json") == '{"colour": 1}' ]]
}

@test "a configuration that was written and then changed is kept" {
    install_engine podman
    echo '// a note' >>"$TREE/etc/oci-oauth/config.json"
    oci_oauth uninstall podman
    [[ $(tail -n1 "$TREE/etc/oci-oauth/config.json") == '// a note' ]]
}

@test "the login is that of the user who called sudo, and of nobody else" {
    run oci_oauth install podman
    [[ $status == 3 && $output == *"no login found in /mnt/root"* ]]
    export SUDO_USER=oci-oauth-setup SUDO_UID=59998
    run oci-oauth install podman --dry-run
    [[ $status == 3 && $output == *"no login found in $USER_HOME"*'hint: as oci-oauth-setup, log in with one of claude, codex'* ]]
    run oci_oauth install podman
    [[ $status == 3 && $output == *"no login found in $USER_HOME"*'with its path on that machine'* ]]
    install -D -m 600 -o "$user_id" "$LOGIN" "$USER_HOME/.claude/.credentials.json"
    oci_oauth install podman
    [[ $(jq -r .profiles.claude.credentials "$TREE/etc/oci-oauth/config.json") == "$USER_HOME/.claude/.credentials.json" ]]
    [[ $(stat -c '%a %U' "$TREE/etc/oci-oauth/config.json") == '644 root' ]]
    SUDO_UID=0 run oci_oauth install docker --dry-run
    ((status == 0)) # the configuration is there: no login is looked for
    oci_oauth uninstall podman
    SUDO_UID=0 run oci_oauth install docker
    [[ $status == 2 && $output == *"SUDO_USER 'oci-oauth-setup' and SUDO_UID '0' are different users"* ]]
}

@test "each login in the home gets a profile, told with one line, and a second run changes nothing" {
    rm -rf "$USER_HOME"/.[a-z]*
    install -D -m 600 "$LOGIN" "$USER_HOME/.claude/.credentials.json"
    mkdir -p "$USER_HOME/.codex" "$USER_HOME/.grok"
    echo '{"tokens": {"refresh_token": "r"}}' >"$USER_HOME/.codex/auth.json"
    echo '{"note": "not a login"}' >"$USER_HOME/.grok/auth.json"
    chown -R "$user_id:$user_id" "$USER_HOME"
    export SUDO_USER=oci-oauth-setup SUDO_UID=$user_id
    run oci_oauth install podman
    ((status == 0))
    [[ $output == *"profile 'claude' is for the login $USER_HOME/.claude/.credentials.json"* ]]
    [[ $output == *"profile 'codex' is for the login $USER_HOME/.codex/auth.json"* ]]
    [[ $(jq -c '.profiles | map_values(.credentials)' "$TREE/etc/oci-oauth/config.json") == \
        "{\"claude\":\"$USER_HOME/.claude/.credentials.json\",\"codex\":\"$USER_HOME/.codex/auth.json\"}" ]]
    [[ $(unchanged_by oci_oauth install podman 2>/dev/null) == 'podman: is already registered' ]]
    oci_oauth uninstall podman
    [[ ! -e $TREE/etc/oci-oauth ]]
}

@test "each login at an MCP server beside the agent's gets a profile, and is told with what a refresh lacks" {
    rm -rf "$USER_HOME"/.[a-z]*
    export SUDO_USER=oci-oauth-setup SUDO_UID=$user_id
    local document=$USER_HOME/.claude/.credentials.json
    mkdir -p "${document%/*}"
    echo '{"claudeAiOauth": {"refreshToken": "r"}, "mcpOAuth": {
        "issues|1f": {"accessToken": "a", "refreshToken": "r", "clientId": "c", "serverUrl": "https://a"},
        "notes|2e": {"accessToken": "a", "serverUrl": "https://a", "clientId": "c"}, "none|3d": {"accessToken": ""}}}' >"$document"
    chown -R "$user_id:$user_id" "$USER_HOME"
    run oci_oauth install podman
    [[ $output == *"profile 'claude-mcp-issues' is for the login 'issues|1f' in $document"$'\n'* ]]
    [[ $output == *"profile 'claude-mcp-notes' is for the login 'notes|2e' in $document, which cannot be refreshed: it has no refresh token"* ]]
    [[ $(jq -c '.profiles | map_values(.entry)' "$TREE/etc/oci-oauth/config.json") == \
        '{"claude":null,"claude-mcp-issues":"issues|1f","claude-mcp-notes":"notes|2e"}' ]]
    [[ $(jq -r '.profiles["claude-mcp-issues"].provider' "$TREE/etc/oci-oauth/config.json") == claude-mcp ]]
}

@test "--provider names one login, also beside others and at another path" {
    rm -rf "$USER_HOME"/.[a-z]*
    install -D -m 600 "$LOGIN" "$USER_HOME/.claude/.credentials.json"
    mkdir -p "$USER_HOME/.codex"
    echo '{"tokens": {"refresh_token": "r"}}' >"$USER_HOME/.codex/auth.json"
    chown -R "$user_id:$user_id" "$USER_HOME"
    export SUDO_USER=oci-oauth-setup SUDO_UID=$user_id
    oci_oauth install podman --provider codex
    [[ $(jq -c '.profiles | keys' "$TREE/etc/oci-oauth/config.json") == '["codex"]' ]]
    [[ $(oci_oauth install podman 2>&1) == *"$USER_HOME/.claude/.credentials.json: is a login without a profile; to add one, put \"claude\": "* ]]
    oci_oauth install podman --provider claude
    oci_oauth install podman --provider codex --credentials "$LOGIN"
    [[ $(jq -c '.profiles | keys' "$TREE/etc/oci-oauth/config.json") == '["claude","codex","codex-2"]' ]]
    [[ $(jq -r '.profiles["codex-2"].provider' "$TREE/etc/oci-oauth/config.json") == codex ]]
    run oci_oauth install podman --provider nothing
    [[ $status == 2 && $output == *"provider 'nothing': there is no nothing.json in "* ]]
    run oci_oauth install podman --provider oauth2
    [[ $status == 2 && $output == *"--provider: 'oauth2' does not say where its login is"* ]]
    run oci_oauth install podman --provider grok
    [[ $status == 3 && $output == *"no login found: $USER_HOME/.grok: No such file"* ]]
    oci_oauth uninstall podman
    a_file etc/oci-oauth/config.json <<<'{"profiles": {}} // mine'
    run oci_oauth install podman --provider codex
    [[ $status == 2 && $output == *'hint: add "codex": {"credentials":"'*'} to its "profiles"'* ]]
}

@test "a CDI device is made for each profile of a new configuration" {
    rm -rf "$USER_HOME"/.[a-z]*
    mkdir -p "$USER_HOME/.codex"
    echo '{"tokens": {"refresh_token": "r"}}' >"$USER_HOME/.codex/auth.json"
    chown -R "$user_id:$user_id" "$USER_HOME"
    SUDO_USER=oci-oauth-setup SUDO_UID=$user_id oci_oauth install cdi
    [[ $(jq -c '[.devices[].name]' "$TREE/etc/cdi/oci-oauth.json") == '["codex"]' ]]
}

@test "a tree that cannot be written to is left as it was" {
    a_file etc/docker/daemon.json <<<'{}'
    mkdir -p "$TREE/var/lib"
    unshare --mount bash -c '
        mount --bind "$1/etc" "$1/etc" && mount -o remount,ro,bind "$1/etc"
        oci-oauth install docker --root "$1" --credentials "$2"' - "$TREE" "$LOGIN" 2>"$BATS_TEST_TMPDIR/said" && false
    grep -q 'install docker: nothing was changed: .*Read-only file system' "$BATS_TEST_TMPDIR/said"
    [[ $(<"$TREE/etc/docker/daemon.json") == '{}' && ! -e $TREE/var/lib/oci-oauth && ! -e $TREE/etc/oci-oauth ]]
}

@test "a user without privileges is sent to sudo for what belongs to root" {
    run as_user oci-oauth install docker
    [[ $status == 2 && $output == *'docker: only root can set up the system-wide Docker, and you have no rootless one'*'hint: sudo '*'/bin/oci-oauth install docker'* ]]
    run as_user oci-oauth install containerd
    [[ $status == 2 && $output == *'containerd: only root can set it up, for the whole machine'*'hint: sudo '*'/bin/oci-oauth install containerd'* ]]
    run as_user oci-oauth uninstall containerd
    [[ $status == 2 && $output == *'hint: sudo '*'/bin/oci-oauth uninstall containerd'* ]]
    chmod 755 "$TREE"
    run as_user oci-oauth install podman --root "$TREE" --credentials "$LOGIN"
    [[ $status == 1 && $output == *'nothing was changed: '*'Permission denied'*'hint: fix this and run it again'* ]]
}

@test "a user's Podman gets the user's own files, and uninstall restores them" {
    TREE=$USER_HOME
    install -D -m 600 -o "$user_id" -g "$user_id" "$LOGIN" "$USER_HOME/.claude/.credentials.json"
    chown -R "$user_id:$user_id" "$USER_HOME"
    local before hooks=$USER_HOME/.config/containers/oci/hooks.d
    before=$(snapshot)
    with_podman 4.8.0
    as_user oci-oauth install podman
    grep -Fqx "hooks_dir = [\"$hooks\", {append = true}]" "$USER_HOME/.config/containers/containers.conf.d/oci-oauth.conf"
    as_user oci-oauth uninstall podman
    with_podman 4.7.2
    as_user oci-oauth install podman
    grep -Fqx "hooks_dir = [\"/usr/share/containers/oci/hooks.d\", \"$hooks\"]" \
        "$USER_HOME/.config/containers/containers.conf.d/oci-oauth.conf"
    [[ $(jq -r '.hook.args | join(" ")' "$hooks/oci-oauth-createRuntime.json") == \
        "oci-oauth-hook --config $USER_HOME/.config/oci-oauth/config.json createRuntime" ]]
    [[ $(jq -r .runtime_dir "$USER_HOME/.config/oci-oauth/config.json") == /mnt/home-run/oci-oauth ]]
    run as_user oci-oauth install podman
    [[ $output == *'podman: is already registered'* ]]
    as_user oci-oauth uninstall podman
    diff <(echo "$before") <(snapshot)
}

@test "a user's own hooks_dir is named beside ours" {
    TREE=$USER_HOME
    install -D -m 600 -o "$user_id" -g "$user_id" "$LOGIN" "$USER_HOME/.claude/.credentials.json"
    a_file .config/containers/containers.conf <<<$'[engine]\nhooks_dir = ["/opt/hooks"]'
    chown -R "$user_id:$user_id" "$USER_HOME"
    with_podman 4.7.2
    as_user oci-oauth install podman
    grep -Fqx "hooks_dir = [\"/opt/hooks\", \"$USER_HOME/.config/containers/oci/hooks.d\"]" \
        "$USER_HOME/.config/containers/containers.conf.d/oci-oauth.conf"
    as_user oci-oauth uninstall podman
}

@test "a user's hooks_dir that is added to stays, and ours is added as well; rootless files are read" {
    TREE=$USER_HOME
    install -D -m 600 -o "$user_id" -g "$user_id" "$LOGIN" "$USER_HOME/.claude/.credentials.json"
    local hooks=$USER_HOME/.config/containers/oci/hooks.d ours=$USER_HOME/.config/containers/containers.conf.d/oci-oauth.conf
    with_podman 4.7.2 # which the file belies
    a_file .config/containers/containers.conf <<<$'[engine]\nhooks_dir = ["/home/me/hooks", {append=true}]'
    chown -R "$user_id:$user_id" "$USER_HOME"
    as_user oci-oauth install podman
    grep -Fqx "hooks_dir = [\"$hooks\", {append = true}]" "$ours"
    as_user oci-oauth uninstall podman
    as_user mkdir -p "$USER_HOME/.config/containers/containers.conf.d"
    mv "$USER_HOME/.config/containers/containers.conf" "$USER_HOME/.config/containers/containers.conf.d/zz.conf"
    as_user oci-oauth install podman
    grep -Fqx "hooks_dir = [\"$hooks\", {append = true}]" "$ours"
    as_user oci-oauth uninstall podman
    rm "$USER_HOME/.config/containers/containers.conf.d/zz.conf"
    mkdir -p "/etc/containers/containers.rootless.conf.d/$user_id"
    printf '[engine]\nhooks_dir = ["/srv/hooks"]\n' >"/etc/containers/containers.rootless.conf.d/$user_id/10.conf"
    as_user oci-oauth install podman
    grep -Fqx "hooks_dir = [\"/srv/hooks\", \"$hooks\"]" "$ours"
    as_user oci-oauth uninstall podman
    rm -r /etc/containers/containers.rootless.conf.d
}

@test "a user's rootless Docker is registered in the user's own daemon.json, and uninstall restores it" {
    TREE=$USER_HOME
    install -D -m 600 -o "$user_id" -g "$user_id" "$LOGIN" "$USER_HOME/.claude/.credentials.json"
    a_file .config/docker/daemon.json <<<'{"debug": true}'
    a_file .config/systemd/user/docker.service <<<$'[Service]\nExecStart=/usr/bin/dockerd-rootless.sh'
    mkdir "$USER_HOME/.local"
    chown -R "$user_id:$user_id" "$USER_HOME"
    local before
    before=$(snapshot)
    [[ $(as_user oci-oauth install docker 2>/dev/null) == *"changed $USER_HOME/.config/docker/daemon.json" ]] # no daemon runs
    [[ $(jq -r '.runtimes["oci-oauth"].path' "$USER_HOME/.config/docker/daemon.json") == "$OCI_OAUTH_PREFIX/bin/oci-oauth-runtime" ]]
    [[ $(jq -r .runtime_dir "$USER_HOME/.config/oci-oauth/config.json") == /mnt/home-run/oci-oauth ]]
    run as_user oci-oauth doctor --try
    [[ $output == *'docker info: the daemon does not answer'*'hint: dockerd-rootless.sh'* ]]
    mkdir -p "$USER_HOME/.local/share/docker/containers/box"
    echo '{"Runtime": "oci-oauth"}' >"$USER_HOME/.local/share/docker/containers/box/hostconfig.json"
    chown -R "$user_id:$user_id" "$USER_HOME/.local"
    [[ $(as_user oci-oauth uninstall docker --dry-run 2>&1) == *'for 1 container (box)'*"'oci-oauth uninstall docker' removes it"* ]]
    rm -r "$USER_HOME/.local/share"
    as_user oci-oauth uninstall docker
    diff <(echo "$before") <(snapshot)
    a_file .config/systemd/user/docker.service <<<$'[Service]\nExecStart=/usr/bin/dockerd-rootless.sh --add-runtime a=/b'
    run as_user oci-oauth install docker
    [[ $status == 1 && $output == *'starts dockerd with --add-runtime=a=/b'*'as "runtimes": systemctl --user edit docker.service' ]]
}
