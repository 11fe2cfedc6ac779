# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# needs: containerd ctr runc node kubectl
# needs from npm: @grpc/grpc-js @grpc/proto-loader
# containerd as the kubelet drives it, through its CRI plugin: pods of the RuntimeClass "oci-oauth", as `oci-oauth install
# containerd` registers it, with an emptyDir in memory at the target.

load daemon
load registration

readonly containerd_home=/run/lab/containerd
readonly socket=$containerd_home/socket
# The kubelet mounts the volume, and has the runtime bind it.
readonly volume=$containerd_home/pods/empty-dir/claude-login
readonly chosen=(--volume "$volume:/run/secrets/claude")
readonly variable_of_a_person=/mine
readonly image=localhost/box:1

engine_up() {
    mkdir -p "$volume" /etc/containerd
    mount -t tmpfs -o mode=1777 tmpfs "$volume"
    cat >/etc/containerd/config.toml <<-END
		version = 2
		root = "$containerd_home/root"
		state = "$containerd_home/state"
		[grpc]
		  address = "$socket"
		[plugins."io.containerd.grpc.v1.cri"]
		  sandbox_image = "$image"
		  restrict_oom_score_adj = true
		  disable_apparmor = true
		[plugins."io.containerd.grpc.v1.cri".containerd]
		  snapshotter = "native"
	END
    register containerd
    start_daemon "$socket" containerd
    import_image
}

engine_down() {
    end_daemon
    deregister containerd /nowhere
    ! grep -q oci-oauth /etc/containerd/config.toml
    unmount_below "$containerd_home"
    rm -rf "$containerd_home" /etc/containerd
}

# As `docker save` writes one.
import_image() {
    local archive=$containerd_home/archive digest way=()
    mkdir "$archive"
    rootfs "$containerd_home/rootfs"
    tar -C "$containerd_home/rootfs" -cf "$archive/layer.tar" .
    digest=$(sha256sum "$archive/layer.tar" | cut -d ' ' -f 1)
    jq -n --arg digest "sha256:$digest" --arg machine "$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')" \
        '{architecture: $machine, os: "linux", config: {Cmd: ["/bin/sleep", "infinity"], Env: ["PATH=/bin"]},
            rootfs: {type: "layers", diff_ids: [$digest]}}' >"$archive/config.json"
    jq -n --arg image "$image" '[{Config: "config.json", RepoTags: [$image], Layers: ["layer.tar"]}]' >"$archive/manifest.json"
    # containerd 2's own way unpacks for its default snapshotter alone.
    ctr images import --help | grep -q -- --local && way=(--local)
    tar -C "$archive" -c . |
        ctr --address "$socket" --namespace k8s.io images import "${way[@]}" --snapshotter native - >/dev/null
}

cri() { node "$BATS_TEST_DIRNAME/cri.mjs" "$socket" "$1" "$2" </dev/null 3>&-; }

start() {
    local name=$1 pod id request
    parse_container "${@:2}"
    pod=$(jq -n --arg name "$name" --arg parent "/$LAB_CGROUP" '{metadata: {$name, uid: $name, namespace: "default", attempt: 0},
        linux: {cgroup_parent: $parent, security_context: {namespace_options: {network: "NODE"}}}}')
    id=$(cri RunPodSandbox "{\"runtime_handler\": \"oci-oauth\", \"config\": $pod}" | jq -r .pod_sandbox_id)
    request=$(jq -n --arg name "$name" --arg image "$image" --arg id "$id" --argjson pod "$pod" \
        '{pod_sandbox_id: $id, sandbox_config: $pod, config: {metadata: {$name}, image: {$image}, command: $ARGS.positional,
            linux: {security_context: {namespace_options: {network: "NODE"}}}}}' --args -- "${ARGV[@]}")
    add_options "${OPTIONS[@]}"
    echo "$request" >"$BATS_TEST_TMPDIR/$name.json"
    start_container "$name"
}

add_options() {
    while (($#)); do
        case $1 in
            --env) request=$(jq --arg value "$2" '.config.envs += [$value | split("=") | {key: .[0], value: .[1]}]' <<<"$request") ;;
            --volume)
                request=$(jq --arg value "$2" \
                    '.config.mounts += [$value | split(":") | {host_path: .[0], container_path: .[1]}]' <<<"$request")
                ;;
            *) echo "containerd-cri: no such option in these tests: '$1'" >&2 && return 1 ;;
        esac
        shift 2
    done
}

start_container() {
    local id
    id=$(cri CreateContainer "$(<"$BATS_TEST_TMPDIR/$1.json")" | jq -r .container_id)
    cri StartContainer "{\"container_id\": \"$id\"}" >/dev/null
}

inside() {
    local answer
    answer=$(cri ExecSync "$(jq -n --arg id "$(id_of "$1")" '{container_id: $id, cmd: $ARGS.positional, timeout: 10}' --args -- "${@:2}")")
    jq -rj '.stdout | @base64d' <<<"$answer"
    return "$(jq .exit_code <<<"$answer")"
}

id_of() { cri ListContainers '{}' | jq -r --arg name "$1" '.containers[] | select(.metadata.name == $name) | .id'; }
pid_of() { cri ContainerStatus "{\"container_id\": \"$(id_of "$1")\", \"verbose\": true}" | jq -r '.info.info | fromjson | .pid'; }

# As the kubelet does it: another container of the same pod.
restart() {
    remove_container "$1"
    start_container "$1"
}
remove_container() {
    local id
    id=$(id_of "$1")
    cri StopContainer "{\"container_id\": \"$id\"}" >/dev/null
    cri RemoveContainer "{\"container_id\": \"$id\"}" >/dev/null
}
stop() {
    remove_container "$1"
    delete_pods "$1"
}
# delete_pods [NAME]
delete_pods() {
    local id
    for id in $(cri ListPodSandbox '{}' | jq -r --arg name "${1:-}" '.items[] | select($name == "" or .metadata.name == $name) | .id'); do
        cri StopPodSandbox "{\"pod_sandbox_id\": \"$id\"}" >/dev/null
        cri RemovePodSandbox "{\"pod_sandbox_id\": \"$id\"}" >/dev/null
    done
}
delete_containers() { delete_pods; }
