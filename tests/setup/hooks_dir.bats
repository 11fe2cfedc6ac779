# SPDX-License-Identifier: Apache-2.0
load trees

hooks_d=usr/share/containers/oci/hooks.d

hook_files() { find "$TREE/$hooks_d" -name '*.json' -printf '%f\n' | sort | tr '\n' ' '; }

@test "podman: a hook file for each stage, with an environment and a timeout, and none is left" {
    gives_back podman
    install_engine podman
    [[ $(hook_files) == 'oci-oauth-createRuntime.json oci-oauth-poststop.json oci-oauth-precreate.json ' ]]
    for stage in createRuntime poststop precreate; do
        jq -e --arg stage "$stage" --arg hook "$OCI_OAUTH_PREFIX/libexec/oci/hooks.d/oci-oauth-hook" \
            '.version == "1.0.0" and .stages == [$stage] and .hook.args == ["oci-oauth-hook", $stage] and
             .hook.path == $hook and (.hook.env | length) == 1 and .hook.timeout == 15 and .when == {always: true}' \
            "$TREE/$hooks_d/oci-oauth-$stage.json"
    done
    [[ $(stat -c '%a %U' "$TREE/$hooks_d/oci-oauth-createRuntime.json") == '644 root' ]]
}

@test "podman: hook files of others stay, and their directory with them" {
    a_file "$hooks_d/oci-seccomp-bpf-hook.json" <<<'{}'
    gives_back podman
}

@test "podman: a hook file that somebody wrote under our name comes back" {
    a_file "$hooks_d/oci-oauth-createRuntime.json" <<<'{"mine": true}'
    gives_back podman
}

@test "podman: a hook file that a person changed since is kept, and reported" {
    install_engine podman
    local file=$TREE/$hooks_d/oci-oauth-createRuntime.json text
    text=$(jq '.hook.timeout = 30' "$file")
    echo "$text" >"$file"
    run install_engine podman
    [[ $output == *"$file: has been changed since it was written, and is kept"* ]]
    run oci_oauth uninstall podman
    [[ $output == *"$file: has been changed since it was written, and is kept"* ]]
    [[ $(hook_files) == 'oci-oauth-createRuntime.json ' && $(jq .hook.timeout "$file") == 30 ]]
}

@test "crio: two hook files, and never precreate, which CRI-O refuses to start with" {
    a_file etc/crio/crio.conf <<<$'[crio.runtime]\n# hooks_dir = [\n# \t"/usr/share/containers/oci/hooks.d",\n# ]'
    gives_back crio
    install_engine crio
    [[ $(hook_files) == 'oci-oauth-createRuntime.json oci-oauth-poststop.json ' ]]
    run install_engine podman
    [[ $output == *'CRI-O shares the hooks directory and refuses'*'or with a CDI device: '*'oci-oauth install cdi'* ]]
    [[ $(hook_files) != *precreate* ]]
}

@test "crio: takes Podman's precreate out; what both need stays until neither does" {
    local before
    before=$(snapshot)
    install_engine podman
    [[ $(hook_files) == *precreate* ]]
    install_engine crio
    [[ $(hook_files) == 'oci-oauth-createRuntime.json oci-oauth-poststop.json ' ]]
    oci_oauth uninstall podman
    [[ $(hook_files) == 'oci-oauth-createRuntime.json oci-oauth-poststop.json ' && -e $TREE/etc/oci-oauth/config.json ]]
    oci_oauth uninstall crio
    diff <(echo "$before") <(snapshot)
}

@test "a hooks_dir that leaves our directory out is warned of, in each place that can set it" {
    local file
    for file in usr/share/containers/containers.conf etc/containers/containers.conf etc/containers/containers.conf.d/10-x.conf; do
        a_file "$file" <<<$'[engine]\nhooks_dir = ["/opt/hooks"]'
        run install_engine podman
        ((status == 0))
        [[ $output == *"warning: $TREE/$file: hooks_dir is [/opt/hooks], so /$hooks_d is not read"* ]]
        rm "$TREE/$file"
    done
    a_file etc/crio/crio.conf.d/99.conf <<<$'[crio.runtime]\nhooks_dir = []'
    run install_engine crio
    [[ $output == *"crio.conf.d/99.conf: hooks_dir is [], so"* ]]
    a_file etc/containers/containers.conf <<<'[engine'
    refuses install_engine podman
    [[ $output == *'etc/containers/containers.conf:1:'*'not TOML'* ]]
}

# in_read_only_usr COMMAND...: with the tree's /usr as an image that nobody writes to.
# shellcheck disable=SC2016
in_read_only_usr() {
    unshare --mount bash -c 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && "$@"' - "$TREE/usr" \
        "$OCI_OAUTH_PREFIX/bin/oci-oauth" "$1" --root "$TREE" "${@:2}"
}

@test "where /usr is read-only the hooks are in /etc, and engines are configured to read them there" {
    mkdir -p "$TREE/usr/share/containers/oci/hooks.d"
    local before
    before=$(snapshot)
    in_read_only_usr install podman --credentials "$LOGIN"
    [[ -e $TREE/etc/containers/oci/hooks.d/oci-oauth-createRuntime.json && -z $(hook_files) ]]
    grep -Fqx 'hooks_dir = ["/usr/share/containers/oci/hooks.d", "/etc/containers/oci/hooks.d"]' \
        "$TREE/etc/containers/containers.conf.d/oci-oauth.conf"
    [[ $(in_read_only_usr install podman) == 'podman: is already registered' ]]
    in_read_only_usr uninstall podman
    diff <(echo "$before") <(snapshot)
    in_read_only_usr install crio --credentials "$LOGIN"
    grep -Fqx 'hooks_dir = ["/usr/share/containers/oci/hooks.d", "/etc/containers/oci/hooks.d"]' \
        "$TREE/etc/crio/crio.conf.d/oci-oauth.conf"
    in_read_only_usr uninstall crio
    diff <(echo "$before") <(snapshot)
}

@test "hooks that are in a read-only /usr already, from when the image was built, stay the registration" {
    install_engine podman
    [[ $(in_read_only_usr install podman) == 'podman: is already registered' ]]
}

@test "a list that is added to, {append = true}, holds our directory with those before it" {
    a_file etc/containers/containers.conf.d/10-x.conf <<<$'[engine]\nhooks_dir = ["/opt/hooks", {append = true}]'
    [[ $(install_engine podman 2>&1) != *'is not read'* ]]
    a_file etc/containers/containers.conf.d/20-x.conf <<<$'[engine]\nhooks_dir = ["/srv/hooks"]'
    [[ $(oci_oauth install podman 2>&1) != *'is not read'* ]]
    a_file etc/containers/containers.conf.d/30-x.conf <<<$'[engine]\nhooks_dir = ["/srv/hooks", {append = false}]'
    [[ $(oci_oauth install podman 2>&1) == *'30-x.conf: hooks_dir is [/srv/hooks], so'* ]]
}
