# SPDX-License-Identifier: Apache-2.0
load trees

@test "docker: without a daemon.json one is written, and it goes again with its directory" {
    gives_back docker
    install_engine docker
    [[ $(jq -r '.runtimes["oci-oauth"].path' "$TREE/etc/docker/daemon.json") == "$OCI_OAUTH_PREFIX/bin/oci-oauth-runtime" ]]
    [[ $(jq -c keys "$TREE/etc/docker/daemon.json") == '["runtimes"]' ]]
}

@test "docker: a daemon.json keeps every byte that is not ours, and gets all of them back" {
    local text
    for text in '{}' '{ }' '{"data-root":"/srv/docker"}' $'{\n    "debug": true\n}\n' $'{\n\t"log-driver": "journald"\n}' \
        $'{\r\n  "debug": false\r\n}\r\n' $'{\n  "runtimes": {\n    "crun": {"path": "/usr/bin/crun"}\n  }\n}\n' \
        $'{\n  // why\n  "debug": true // because\n  /* that is all */\n}\n' '' $' \n'; do
        printf '%s' "$text" | a_file etc/docker/daemon.json
        gives_back docker
        gives_back docker --default
    done
}

@test "docker: what others keep in daemon.json is there after install, in its order" {
    a_file etc/docker/daemon.json <<'END'
{
    "log-opts": {"max-size": "10m", "max-file": "3"},
    "debug": true,
    "runtimes": {
        "crun": {
            "path": "/usr/bin/crun"
        }
    }
}
END
    install_engine docker
    [[ $(daemon_json) == '{
    "log-opts": {"max-size": "10m", "max-file": "3"},
    "debug": true,
    "runtimes": {
        "crun": {
            "path": "/usr/bin/crun"
        },
        "oci-oauth": {
            "path": "'"$OCI_OAUTH_PREFIX"'/bin/oci-oauth-runtime"
        }
    }
}' ]]
}

@test "docker: --default remembers the default before, and the wrapper runs that" {
    a_file etc/docker/daemon.json <<'END'
{"default-runtime": "nvidia", "runtimes": {"nvidia": {"path": "/usr/bin/nvidia-container-runtime", "runtimeArgs": []}}}
END
    install_engine docker --default
    [[ $(jq -r '."default-runtime"' "$TREE/etc/docker/daemon.json") == oci-oauth ]]
    [[ $(jq -r .runtime "$TREE/etc/oci-oauth/config.json") == /usr/bin/nvidia-container-runtime ]]
    oci_oauth uninstall docker
    [[ $(jq -r '."default-runtime"' "$TREE/etc/docker/daemon.json") == nvidia ]]
    [[ ! -e $TREE/etc/oci-oauth ]]
    gives_back docker --default
}

@test "docker: a default runtime that the wrapper cannot run is refused" {
    a_file etc/docker/daemon.json <<<'{"default-runtime": "io.containerd.kata.v2"}'
    run unchanged_by install_engine docker --default
    ((status == 0))
    [[ $output == *"default-runtime 'io.containerd.kata.v2' is no program that the wrapper could run"* ]]
}

@test "docker: install without --default leaves the default as it is" {
    install_engine docker --default
    unchanged_by install_engine docker
    [[ $(jq -r '."default-runtime"' "$TREE/etc/docker/daemon.json") == oci-oauth ]]
}

@test "docker: what a person changed since stays" {
    a_file etc/docker/daemon.json <<<'{"debug": true}'
    install_engine docker --default
    local edited
    edited=$(jq -c '."live-restore" = true' "$TREE/etc/docker/daemon.json")
    a_file etc/docker/daemon.json <<<"$edited"
    oci_oauth uninstall docker
    [[ $(daemon_json) == '{"debug":true,"live-restore":true}' ]]
}

@test "docker: a link to daemon.json stays a link, and its target is edited" {
    a_file srv/docker.json <<<'{"debug": true}'
    mkdir -p "$TREE/etc/docker"
    ln -s /srv/docker.json "$TREE/etc/docker/daemon.json"
    install_engine docker
    [[ $(readlink "$TREE/etc/docker/daemon.json") == /srv/docker.json ]]
    [[ $(jq -c keys "$TREE/srv/docker.json") == '["debug","runtimes"]' ]]
    oci_oauth uninstall docker
    [[ $(<"$TREE/srv/docker.json") == '{"debug": true}' ]]
    gives_back docker
}

@test "docker: a file that is no JSON is refused with its place, and nothing changes" {
    local text
    for text in '{"debug": true' '{"debug": tru}' '[]' 'debug = true' $'{"a": 1, "a": 2}' $'\xff\xfe{}' '{"runtimes": []}' \
        '{"default-runtime": 5}'; do
        printf '%s' "$text" | a_file etc/docker/daemon.json
        run install_engine docker
        ((status == 1))
        [[ $output == *"error: install: $TREE/etc/docker/daemon.json"* ]]
        unchanged_by install_engine docker
    done
}

@test "docker: what is no file is refused: a directory, a FIFO, a link to nothing, a file of 2 MiB" {
    mkdir -p "$TREE/etc/docker/daemon.json"
    run unchanged_by install_engine docker
    [[ $output == *'is a directory, not a regular file'* && $status == 0 ]]
    rmdir "$TREE/etc/docker/daemon.json"
    mkfifo "$TREE/etc/docker/daemon.json"
    run timeout 10 "$OCI_OAUTH_PREFIX/bin/oci-oauth" install docker --root "$TREE" --credentials "$LOGIN"
    [[ $output == *'is a FIFO, not a regular file'* && $status == 1 ]]
    rm "$TREE/etc/docker/daemon.json"
    ln -s /nowhere "$TREE/etc/docker/daemon.json"
    run unchanged_by install_engine docker
    [[ $output == *'is a symbolic link to nothing'* && $status == 0 ]]
    rm "$TREE/etc/docker/daemon.json"
    head -c 2M /dev/zero | a_file etc/docker/daemon.json
    run unchanged_by install_engine docker
    [[ $output == *'is larger than 1048576 bytes'* && $status == 0 ]]
}
