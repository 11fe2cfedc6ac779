# SPDX-License-Identifier: Apache-2.0
load trees

@test "docker: without a daemon.json one is written, and it is removed again with its directory" {
    gives_back docker
    install_engine docker
    [[ $(jq -r '.runtimes["oci-oauth"].path' "$TREE/etc/docker/daemon.json") == "$OCI_OAUTH_PREFIX/bin/oci-oauth-runtime" ]]
    [[ $(jq -c keys "$TREE/etc/docker/daemon.json") == '["runtimes"]' ]]
}

@test "docker: a daemon.json keeps every byte that is not ours, and gets all of them back" {
    local text
    for text in '{}' '{ }' '{"data-root":"/srv/docker"}' $'{\n    "debug": true\n}\n' $'{\n\t"log-driver": "journald"\n}' \
        $'{\r\n  "debug": false\r\n}\r\n' $'{\n  "runtimes": {\n    "crun": {"path": "/usr/bin/crun"}\n  }\n}\n' '' $' \n'; do
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
    refuses install_engine docker --default
    [[ $output == *"default-runtime 'io.containerd.kata.v2' is not a program that the wrapper can run"* ]]
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

@test "docker: a file that a person has emptied stays empty, and keeps nothing from being uninstalled" {
    a_file etc/docker/daemon.json <<<'{"debug": true}'
    install_engine docker
    a_file etc/docker/daemon.json </dev/null
    oci_oauth uninstall docker
    [[ -e $TREE/etc/docker/daemon.json && ! -s $TREE/etc/docker/daemon.json && ! -e $TREE/var/lib/oci-oauth ]]
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

@test "docker: a file that is not JSON is refused with its place, and nothing changes" {
    local text
    for text in '{"debug": true' '{"debug": tru}' '[]' 'debug = true' $'{"a": 1, "a": 2}' $'\xff\xfe{}' '{"runtimes": []}' \
        '{"default-runtime": 5}'; do
        printf '%s' "$text" | a_file etc/docker/daemon.json
        refuses install_engine docker
        [[ $output == *"error: install: $TREE/etc/docker/daemon.json"* ]]
    done
}

@test "docker: a comment, which dockerd does not read either, is refused with its place, and nothing changes" {
    local text place option
    for place in 2:3 3:17 4:3; do
        case $place in
            2:3) text=$'{\n  // why\n  "debug": true\n}\n' ;;
            3:17) text=$'{\n\n  "debug": true // because\n}\n' ;;
            4:3) text=$'{\n\n  "debug": true\n  /* that is all */\n}\n' ;;
        esac
        printf '%s' "$text" | a_file etc/docker/daemon.json
        for option in '' --default; do
            refuses install_engine docker $option
            [[ $output == *"error: install: $TREE/etc/docker/daemon.json:$place: not JSON"* ]]
        done
    done
}

@test "docker: what is not a file is refused: a directory, a FIFO, a link to nothing, a file of 2 MiB" {
    mkdir -p "$TREE/etc/docker/daemon.json"
    refuses install_engine docker
    [[ $output == *'is a directory, not a regular file'* ]]
    rmdir "$TREE/etc/docker/daemon.json"
    mkfifo "$TREE/etc/docker/daemon.json"
    run timeout 10 "$OCI_OAUTH_PREFIX/bin/oci-oauth" install docker --root "$TREE" --credentials "$LOGIN"
    [[ $output == *'is a FIFO, not a regular file'* && $status == 1 ]]
    rm "$TREE/etc/docker/daemon.json"
    ln -s /nowhere "$TREE/etc/docker/daemon.json"
    refuses install_engine docker
    [[ $output == *'is a dangling symbolic link'* ]]
    rm "$TREE/etc/docker/daemon.json"
    head -c 2M /dev/zero | a_file etc/docker/daemon.json
    refuses install_engine docker
    [[ $output == *'is larger than 1048576 bytes'* ]]
}

# a_container NAME RUNTIME [DATA_ROOT]: as Docker keeps it on disk.
a_container() {
    a_file "${3:-var/lib/docker}/containers/${1}00000000000000/hostconfig.json" <<<"{\"Runtime\": \"$2\"}"
    a_file "${3:-var/lib/docker}/containers/${1}00000000000000/config.v2.json" <<<"{\"Name\": \"/$1\"}"
}
runtime_path() { jq -r '.runtimes["oci-oauth"].path' "$TREE/etc/docker/daemon.json"; }

@test "docker: while a container names our runtime an entry for it stays, which the next uninstall removes" {
    a_file etc/docker/daemon.json <<<'{"debug": true}'
    a_file usr/sbin/runc </dev/null
    install_engine docker --default
    a_container db oci-oauth
    a_container other runc
    run oci_oauth uninstall docker
    ((status == 0))
    [[ $output == *"keeps the runtime oci-oauth, as /usr/sbin/runc, for 1 container (db), "*"'oci-oauth uninstall docker' removes it"* ]]
    [[ $(jq -c . "$TREE/etc/docker/daemon.json") == '{"debug":true,"runtimes":{"oci-oauth":{"path":"/usr/sbin/runc"}}}' ]]
    [[ $(oci_oauth uninstall docker 2>/dev/null) != *changed* && $(runtime_path) == /usr/sbin/runc ]]
    [[ $(install_engine podman 2>&1) == *'docker: was uninstalled; '*' for 1 container (db)'* ]]
    [[ $(oci_oauth uninstall --all 2>&1) == *'for 1 container (db)'* ]]
    rm -r "$TREE/var/lib/docker/containers/db"*
    oci_oauth uninstall docker
    [[ $(daemon_json) == '{"debug": true}' && ! -e $TREE/var/lib/oci-oauth ]]
}

@test "docker: the containers are found where the unit, daemon.json or user namespaces have them, and are named, a few" {
    a_file usr/sbin/runc </dev/null
    local place
    for place in srv/file srv/unit srv/unit/1000.1000; do
        a_file etc/docker/daemon.json <<<'{"data-root": "/srv/file"}'
        [[ $place == srv/file ]] ||
            a_file etc/systemd/system/docker.service <<<$'[Service]\nExecStart=-/usr/sbin/dockerd -H fd:// \\\n  --data-root "/srv/unit"'
        install_engine docker
        for name in a b c d e f; do a_container "$name" oci-oauth "$place"; done
        run oci_oauth uninstall docker
        [[ $output == *'for 6 containers (a, b, c, d, e, ...)'* ]]
        rm -r "$TREE/srv"
        oci_oauth uninstall docker
        [[ $(daemon_json) == '{"data-root": "/srv/file"}' ]]
    done
}

@test "docker: what an uninstall left is taken over by the next install" {
    a_file usr/sbin/runc </dev/null
    install_engine docker
    a_container db oci-oauth
    oci_oauth uninstall docker
    oci_oauth install docker --credentials "$LOGIN"
    [[ $(runtime_path) == "$OCI_OAUTH_PREFIX/bin/oci-oauth-runtime" ]]
    rm -r "$TREE"/var/lib/{docker,oci-oauth}
    oci_oauth install docker
    oci_oauth uninstall docker
    [[ ! -e $TREE/etc/docker/daemon.json ]]
}

@test "docker: a registration whose record was lost is adopted, and is removed again" {
    a_file etc/docker/daemon.json <<<'{"debug": true}'
    install_engine docker --default
    rm -r "$TREE/var"
    [[ $(oci_oauth install docker 2>/dev/null) == 'docker: is already registered' ]]
    oci_oauth uninstall docker
    [[ $(daemon_json) == '{"debug": true}' ]]
}

@test "docker: what a person changed in our own entry is removed with it, and so is a default that a person set to it" {
    a_file etc/docker/daemon.json <<<'{"debug": true}'
    install_engine docker
    local edited
    edited=$(jq -c '.runtimes["oci-oauth"].runtimeArgs = ["--debug"] | .["default-runtime"] = "oci-oauth"' "$TREE/etc/docker/daemon.json")
    a_file etc/docker/daemon.json <<<"$edited"
    run oci_oauth uninstall docker
    [[ $output == *"oci-oauth's own entries are removed, with what was changed in them"* ]]
    [[ $(daemon_json) == '{"debug":true}' ]]
}

@test "docker: an option of dockerd's that its file may not repeat is refused with the place that has it" {
    a_file usr/lib/systemd/system/docker.service <<<$'[Service]\nEnvironmentFile=-/etc/default/docker\nExecStart=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS'
    install_engine docker --default
    oci_oauth uninstall docker
    a_file etc/default/docker <<<'DOCKER_OPTS="--default-runtime=nvidia --debug"'
    refuses install_engine docker --default
    [[ $output == *'/etc/default/docker: starts dockerd with --default-runtime=nvidia, and dockerd refuses "default-runtime" in /etc/docker/daemon.json'* ]]
    install_engine docker
    oci_oauth uninstall docker
    a_file etc/systemd/system/docker.service.d/nvidia.conf <<<$'[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd --add-runtime nvidia=/usr/bin/nvidia-container-runtime'
    refuses install_engine docker
    [[ $output == *'/docker.service.d/nvidia.conf: starts dockerd with --add-runtime=nvidia=/usr/bin/nvidia-container-runtime'*'hint: move '* ]]
}

@test "docker: the file that the unit names is the one that is written" {
    a_file etc/systemd/system/docker.service <<<$'[Service]\nExecStart=/usr/sbin/dockerd --config-file=/srv/daemon.json'
    [[ $(install_engine docker 2>/dev/null) == *"wrote $TREE/srv/daemon.json" ]]
    [[ ! -e $TREE/etc/docker/daemon.json ]]
    oci_oauth uninstall docker
    [[ ! -e $TREE/srv ]]
}

@test "docker: snap's daemon is refused with the file that it reads" {
    mkdir -p "$TREE/var/snap/docker/current"
    refuses install_engine docker
    [[ $output == *'Docker is a snap here, which reads /var/snap/docker/current/config/daemon.json'* ]]
}

@test "docker: a runtime of our name that runs another program is a person's" {
    a_file etc/docker/daemon.json <<<'{"runtimes": {"oci-oauth": {"path": "/opt/mine"}}}'
    refuses install_engine docker
    [[ $output == *"has a runtime 'oci-oauth' that runs another program, /opt/mine"* ]]
    oci_oauth uninstall docker
    [[ $(daemon_json) == *'/opt/mine'* ]]
}
