# SPDX-License-Identifier: Apache-2.0
load trees

# What the real containerd makes of the tree's file.
effective() { containerd --config "$TREE/etc/containerd/config.toml" config dump; }

@test "containerd: without a config.toml one is written that keeps runc, and it is removed again" {
    mkdir -p "$TREE/usr/local/sbin" "$TREE/usr/sbin"
    touch "$TREE/usr/sbin/runc"
    gives_back containerd
    install_engine containerd
    [[ $(jq '.runtime' "$TREE/etc/oci-oauth/config.json") == null ]]
    effective >"$BATS_TEST_TMPDIR/dump"
    grep -q 'containerd.runtimes.runc\]' "$BATS_TEST_TMPDIR/dump"
    grep -q "BinaryName = \"$OCI_OAUTH_PREFIX/bin/oci-oauth-runtime\"" "$BATS_TEST_TMPDIR/dump"
}

@test "containerd: the file that Debian ships and the one that containerd prints get our runtime, and every byte back" {
    local text
    for text in "$(</etc/containerd/config.toml)" "$(containerd config default)"; do
        a_file etc/containerd/config.toml <<<"$text"
        gives_back containerd
        install_engine containerd
        [[ $(toml_after) == "$text"* ]]
        effective >"$BATS_TEST_TMPDIR/dump"
        grep -q 'containerd.runtimes.runc\]' "$BATS_TEST_TMPDIR/dump"
        grep -q 'containerd.runtimes.oci-oauth.options\]' "$BATS_TEST_TMPDIR/dump"
        oci_oauth uninstall containerd
    done
}

@test "containerd: each version of the file has its own name for the plugin" {
    a_file etc/containerd/config.toml <<<'[plugins.cri]'
    install_engine containerd
    [[ $(toml_after) == *'[plugins.cri.containerd.runtimes.oci-oauth]'* ]]
    oci_oauth uninstall containerd
    a_file etc/containerd/config.toml <<<$'version = 3\n[plugins."io.containerd.cri.v1.images"]\n  snapshotter = "overlayfs"'
    gives_back containerd
    install_engine containerd
    [[ $(toml_after) == *'[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.oci-oauth]'* ]]
    oci_oauth uninstall containerd
    a_file etc/containerd/config.toml <<<'version = 9'
    refuses install_engine containerd
    [[ $output == *'unknown version 9'* ]]
}

@test "containerd: where an imported file has the plugin, ours goes there, because its table replaces the main file's" {
    a_file etc/containerd/config.toml <<<$'version = 2\nimports = ["/etc/containerd/conf.d/*.toml"]'
    a_file etc/containerd/conf.d/10-cni.toml <<<$'version = 2\n[plugins."io.containerd.grpc.v1.cri".cni]\n  bin_dir = "/opt/cni"'
    a_file etc/containerd/conf.d/20-other.toml <<<$'version = 2\n[debug]\n  level = "info"'
    gives_back containerd
    install_engine containerd
    grep -q oci-oauth-runtime "$TREE/etc/containerd/conf.d/10-cni.toml"
    ! grep -q oci-oauth "$TREE/etc/containerd/config.toml"
}

@test "containerd: a file without a newline at its end, and one with Windows line ends" {
    printf 'version = 2' | a_file etc/containerd/config.toml
    gives_back containerd
    printf 'version = 2\r\n[debug]\r\n  level = "info"\r\n' | a_file etc/containerd/config.toml
    gives_back containerd
}

@test "containerd: what a person changed since stays" {
    a_file etc/containerd/config.toml <<<'version = 2'
    install_engine containerd
    echo $'[debug]\n  level = "debug"' >>"$TREE/etc/containerd/config.toml"
    oci_oauth uninstall containerd
    [[ $(toml_after) == $'version = 2\n[debug]\n  level = "debug"' ]]
}

@test "containerd: what a person changed between our marks is removed with them, and reported" {
    a_file etc/containerd/config.toml <<<'version = 2'
    install_engine containerd
    sed -i 's/BinaryName = .*/BinaryName = "\/opt\/mine"/' "$TREE/etc/containerd/config.toml"
    run oci_oauth uninstall containerd
    [[ $output == *"config.toml: oci-oauth's own entries are removed, with what was changed in them"* ]]
    [[ $(toml_after) == 'version = 2' ]]
}

@test "containerd: a file that is not TOML, and tables that cannot be added to, are refused unchanged" {
    local text
    for text in '[plugins' 'version = "2"x' $'version = 2\nplugins = {"io.containerd.grpc.v1.cri" = {}}' $'a = 1\na = 2'; do
        a_file etc/containerd/config.toml <<<"$text"
        refuses install_engine containerd
        [[ $output == *"error: install: "*"$TREE/etc/containerd/config.toml:"*'not TOML: '* ]]
    done
    a_file etc/containerd/config.toml <<<$'version = 2\nplugins = 3'
    refuses install_engine containerd
    [[ $output == *"error: install: with the runtime oci-oauth added: $TREE/etc/containerd/config.toml:"* ]]
}

@test "containerd: a runtime of our name that runs another program is a person's" {
    a_file etc/containerd/config.toml <<'END'
version = 2
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.oci-oauth.options]
  BinaryName = "/opt/mine"
END
    refuses install_engine containerd
    [[ $output == *"has a runtime 'oci-oauth' that runs another program"* ]]
}

# with_containerd COMMAND...: while the real one runs with the tree's file.
with_containerd() {
    local pid status=0
    containerd --config "$TREE/etc/containerd/config.toml" --address "$TMPDIR/containerd.sock" --root "$TMPDIR/containerd" \
        --state /run/containerd-of-setup </dev/null >"$BATS_TEST_TMPDIR/containerd.log" 2>&1 3>&- &
    pid=$!
    eventually --at "$TMPDIR" ctr --address "$TMPDIR/containerd.sock" version >/dev/null 2>&1 && "$@" || status=$?
    kill "$pid"
    has_ended "$pid"
    return "$status"
}
has_cri() { ctr --address "$TMPDIR/containerd.sock" plugins ls | grep -qE 'cri .* ok *$'; }

@test "containerd: the real one has its CRI plugin before, with our runtime, and after it" {
    a_file etc/containerd/config.toml <<<'version = 2'
    with_containerd has_cri
    install_engine containerd
    with_containerd has_cri
    oci_oauth uninstall containerd
    with_containerd has_cri
}

# handler KEY...: of our runtime, as the real containerd reads the tree's file.
handler() {
    effective | grep -A 40 'containerd.runtimes.oci-oauth\]' | sed -n '2,/containerd.runtimes\.[^o]/p' | grep -E "^ *$1 = " | sed 's/.*= //'
}

@test "containerd: our runtime has the settings of the handler that was the default, and the wrapper runs its program" {
    a_file etc/containerd/config.toml <<'END'
version = 2
[plugins."io.containerd.grpc.v1.cri".containerd]
  default_runtime_name = "nvidia"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia]
    runtime_type = "io.containerd.runc.v2"
    privileged_without_host_devices = true
    pod_annotations = ["nvidia.*", "io.oci-oauth.*"]
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia.options]
      BinaryName = "/usr/bin/nvidia-container-runtime"
      SystemdCgroup = true
END
    gives_back containerd
    install_engine containerd
    [[ $(handler privileged_without_host_devices) == true && $(handler SystemdCgroup) == true ]]
    [[ $(handler pod_annotations) == '["nvidia.*", "io.oci-oauth.*"]' ]]
    [[ $(handler BinaryName) == "\"$OCI_OAUTH_PREFIX/bin/oci-oauth-runtime\"" ]]
    [[ $(jq -r .runtime "$TREE/etc/oci-oauth/config.json") == /usr/bin/nvidia-container-runtime ]]
}

@test "containerd: if runc's shim does not run the default, runc is used" {
    a_file etc/containerd/config.toml <<'END'
version = 2
[plugins."io.containerd.grpc.v1.cri".containerd]
  default_runtime_name = "kata"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.kata]
    runtime_type = "io.containerd.kata.v2"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
    SystemdCgroup = true
END
    install_engine containerd
    [[ $(handler SystemdCgroup) == true && $(handler runtime_type) == '"io.containerd.runc.v2"' ]]
}

@test "containerd: without its CRI plugin nothing would read the runtime" {
    local plugin
    for plugin in cri io.containerd.grpc.v1.cri; do
        a_file etc/containerd/config.toml <<<"disabled_plugins = [\"$plugin\"]"
        refuses install_engine containerd
        [[ $output == *"disabled_plugins contains \"$plugin\", so nothing would read the runtime"* ]]
    done
}

# With containerd 2, k3s and RKE2 write version 3 of the file, from a template of another name.
names_the_newer_template() {
    a_file "$1/agent/etc/containerd/config.toml" <<<'version = 3'
    refuses install_engine containerd
    [[ $output == *"which reads $TREE/$1/agent/etc/containerd/config-v3.toml.tmpl"* ]]
}

@test "containerd: k3s, RKE2 and microk8s have their own, whose file is named; beside the host's it is a note" {
    local -A files=([var/lib/rancher/k3s]=/agent/etc/containerd/config.toml.tmpl
        [var/lib/rancher/rke2]=/agent/etc/containerd/config.toml.tmpl
        [var/snap/microk8s/current]=/args/containerd-template.toml)
    local directory
    for directory in "${!files[@]}"; do
        mkdir -p "$TREE/$directory"
        refuses install_engine containerd
        [[ $output == *"runs its own containerd, which reads $TREE/$directory${files[$directory]}"* ]]
        [[ $directory != *rancher* ]] || names_the_newer_template "$directory"
        a_file usr/bin/containerd </dev/null
        [[ $(install_engine containerd --dry-run 2>&1) == *'its pods can use the runtime only with'* ]]
        rm -r "${TREE:?}/${directory%%/*}" "$TREE/usr/bin"
    done
}

@test "containerd: a registration whose record was lost is adopted, and is removed again" {
    a_file etc/containerd/config.toml <<<'version = 2'
    install_engine containerd
    rm -r "$TREE/var"
    [[ $(oci_oauth install containerd 2>/dev/null) == 'containerd: is already registered' ]]
    oci_oauth uninstall containerd
    [[ $(toml_after) == 'version = 2' ]]
}

@test "containerd: a runtime of ours that has lost its marks is not said to be gone" {
    a_file etc/containerd/config.toml <<<'version = 2'
    install_engine containerd
    sed -i '/^#/d' "$TREE/etc/containerd/config.toml"
    refuses oci_oauth uninstall containerd
    [[ $output == *"has the runtime 'oci-oauth' outside our marked lines"*'hint: remove ['*'.oci-oauth] and ['* ]]
}

@test "containerd: the file that the unit names is the one that is written" {
    a_file usr/lib/systemd/system/containerd.service <<<$'[Service]\nExecStart=/usr/bin/containerd --config /srv/containerd.toml'
    [[ $(install_engine containerd 2>/dev/null) == *"wrote $TREE/srv/containerd.toml" ]]
}
