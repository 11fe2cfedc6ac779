# SPDX-License-Identifier: Apache-2.0
load trees

# What the real containerd makes of the tree's file.
effective() { containerd --config "$TREE/etc/containerd/config.toml" config dump; }

@test "containerd: without a config.toml one is written that keeps runc, and it goes again" {
    gives_back containerd
    install_engine containerd
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
    [[ $(toml_after) == *'[plugins."cri".containerd.runtimes.oci-oauth]'* ]]
    oci_oauth uninstall containerd
    a_file etc/containerd/config.toml <<<$'version = 3\n[plugins."io.containerd.cri.v1.images"]\n  snapshotter = "overlayfs"'
    gives_back containerd
    install_engine containerd
    [[ $(toml_after) == *'[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.oci-oauth]'* ]]
    oci_oauth uninstall containerd
    a_file etc/containerd/config.toml <<<'version = 9'
    run unchanged_by install_engine containerd
    [[ $output == *'version 9 is not known here'* ]]
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

@test "containerd: a file that is no TOML, and tables that cannot be added to, are refused unchanged" {
    local text
    for text in '[plugins' 'version = "2"x' $'version = 2\nplugins = {"io.containerd.grpc.v1.cri" = {}}' $'a = 1\na = 2'; do
        a_file etc/containerd/config.toml <<<"$text"
        run unchanged_by install_engine containerd
        ((status == 0))
        [[ $output == *"error: install: "*"$TREE/etc/containerd/config.toml:"*'not TOML: '* ]]
    done
    a_file etc/containerd/config.toml <<<$'version = 2\nplugins = 3'
    run unchanged_by install_engine containerd
    [[ $output == *"error: install: with the runtime oci-oauth added: $TREE/etc/containerd/config.toml:"* ]]
}

@test "containerd: a runtime of our name that runs another program is a person's" {
    a_file etc/containerd/config.toml <<'END'
version = 2
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.oci-oauth.options]
  BinaryName = "/opt/mine"
END
    run unchanged_by install_engine containerd
    [[ $output == *"has a runtime 'oci-oauth' that runs another program"* ]]
}
