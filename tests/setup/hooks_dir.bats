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

@test "podman: a hook file that a person changed since is kept, and told" {
    install_engine podman
    local file=$TREE/$hooks_d/oci-oauth-createRuntime.json text
    text=$(jq '.hook.timeout = 30' "$file")
    echo "$text" >"$file"
    run install_engine podman
    [[ $output == *"$file: was changed since it was written, and stays as it is"* ]]
    run oci_oauth uninstall podman
    [[ $output == *"$file: was changed since it was written, and stays"* ]]
    [[ $(hook_files) == 'oci-oauth-createRuntime.json ' && $(jq .hook.timeout "$file") == 30 ]]
}

@test "crio: two hook files, and never precreate, which CRI-O refuses to start with" {
    a_file etc/crio/crio.conf <<<$'[crio.runtime]\n# hooks_dir = [\n# \t"/usr/share/containers/oci/hooks.d",\n# ]'
    gives_back crio
    install_engine crio
    [[ $(hook_files) == 'oci-oauth-createRuntime.json oci-oauth-poststop.json ' ]]
    run install_engine podman
    [[ $output == *'CRI-O shares the hooks directory and refuses'* ]]
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
    run unchanged_by install_engine podman
    [[ $output == *'etc/containers/containers.conf:1:'*'not TOML'* ]]
}
