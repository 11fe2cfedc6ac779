# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What an image can have in the place of each component of the target.

readonly kinds=(absolute climbing nowhere loop self-root init-root cwd to-root to-proc to-sys to-dev fifo device socket file)

# plant KIND PATH [PLACE]: PATH is in a container's root file system, and so is PLACE, which a link leads to.
plant() {
    local place=${3:-$CANARY}
    mkdir -p "${2%/*}"
    case $1 in
        absolute) ln -s "$place" "$2" ;;
        climbing) ln -s "../../../../../../../../../../../..$place" "$2" ;;
        nowhere) ln -s /nowhere "$2" ;;
        loop) ln -s "${2##*/}" "$2" ;;
        self-root) ln -s "/proc/self/root$place" "$2" ;;
        init-root) ln -s "/proc/1/root$place" "$2" ;;
        cwd) ln -s /proc/self/cwd/etc "$2" ;;
        to-root) ln -s / "$2" ;;
        to-proc) ln -s /proc/self "$2" ;;
        to-sys) ln -s /sys/kernel "$2" ;;
        to-dev) ln -s /dev "$2" ;;
        fifo) mkfifo "$2" ;;
        device) mknod "$2" c 1 3 ;;
        socket) "$INTRUDER" socket "$2" ;;
        file) echo content >"$2" ;;
    esac
}

# publish_for PROFILE...: what is published for `claude` is theirs too, so that a container can have many at once.
publish_for() {
    # shellcheck disable=SC2016 # the inner shell expands it
    as_operator sh -c 'cd "$0" || exit
        for name; do cp -a share/claude "share/$name" && cp -a profiles/claude.json "profiles/$name.json"; done' \
        "$(runtime_dir)" "$@"
}

# profiles_at FILTER NAME...: a profile for each name, whose target is what the jq FILTER makes of it.
profiles_at() {
    local filter=$1 content
    shift
    content=$(jq ".profiles.claude as \$like | .profiles += reduce \$ARGS.positional[] as \$name
        ({}; .[\$name] = (\$like | .provider = \"claude\" | .target = (\$name | $filter)))" --args -- "$@" <"$CONFIG")
    cp "$CONFIG" "$WORLD/config"
    echo "$content" >"$CONFIG"
}
no_more_profiles() { cat "$WORLD/config" >"$CONFIG"; }

# outcomes TARGET...: /NAME/...; each of the container's profiles has its token at the target, or the log says why
# not. Each counts as a case.
outcomes() {
    local name log found token current status=0
    log=$(log_since_mark)
    current=$(current_token)
    # shellcheck disable=SC2016 # the container's shell expands it
    found=$(inside "$BOX" sh -c 'for path; do
        echo "$path $([ ! -f "$path/token" ] || cat "$path/token")"
    done' sh "$@")
    while read -r name token; do
        name=${name#/}
        name=${name%%/*}
        if [[ $token == "$current" ]]; then
            count passed && echo "$name: delivered"
        elif [[ $log == *"profile '$name'"* ]]; then
            count passed && echo "$name: refused"
        else
            count failed && echo "$name: NEITHER delivered nor refused" && status=1
        fi
    done <<<"$found"
    return "$status"
}

# A profile for each kind and each of three components: a container that starts once tries them all.
every_component_is_hostile() {
    local kind root names=()
    root=$(a_rootfs)
    for kind in "${kinds[@]}"; do
        plant "$kind" "$root/$kind-1" "$CANARY/$kind-1"
        plant "$kind" "$root/$kind-2/a" "$CANARY/$kind-2"
        plant "$kind" "$root/$kind-3/a/b" "$CANARY/$kind-3"
        mkdir -p "$root$CANARY/$kind"-{1,2,3}
        names+=("$kind"-{1,2,3})
    done
    publish_for "${names[@]}"
    profiles_at '"/\(.)/a/b"' "${names[@]}"
    start "$BOX"
    no_more_profiles
    local targets=("${names[@]/#//}")
    outcomes "${targets[@]/%//a/b}"
}

# The container starts again and again while another process swaps a component with a link to the host's tree.
a_component_is_swapped() {
    local secrets swapper starts=0 name=$BOX
    secrets=$(a_rootfs)/run/secrets
    mkdir -p "$secrets"
    ln -s "$CANARY" "$secrets.link"
    "$INTRUDER" swap "$secrets" "$secrets.link" 1000000 &
    swapper=$!
    while kill -0 "$swapper" 2>/dev/null || ((starts == 0)); do
        start "$name"
        stop "$name"
        ((++starts))
    done
    wait "$swapper"
    echo "$starts starts"
}

the_target_is_the_kernels() {
    configure ".profiles.claude.target = \"$1\""
    start "$BOX"
    says "$1 in the container: is in a kernel file system"
    configure ".profiles.claude.target = \"$target\""
}

# -v /dev:/dev, and a link of the image's that leads there.
the_hosts_dev_is_bound() {
    plant to-dev "$(a_rootfs)/run/secrets"
    start "$BOX" --volume /dev:/dev
    refused
    says 'is in /dev'
}

the_volume_around_the_target_is_shared() {
    local directory
    directory=$(a_directory shared)
    mkdir -p "$directory/claude"
    mount --bind "$directory" "$directory"
    mount --make-shared "$directory"
    bundle "$BOX" --volume "$directory:/run/secrets"
    edit_file "$(bundle_of "$BOX")/config.json" \
        '.linux.rootfsPropagation = "shared" | .mounts[-1].options = ["rbind", "rshared"]'
    local status=0
    "$ENGINE" run --detach --bundle "$(bundle_of "$BOX")" "$BOX" </dev/null || status=$?
    findmnt --noheadings --list --output TARGET | grep -c "$directory" | grep -qx 1 || status=1
    umount "$directory"
    ((status == 0))
    says 'the target is on a shared mount'
}

paths_cases() {
    local kind
    try "each component of the target is something hostile" every_component_is_hostile
    has_bundles || return 0
    for kind in /proc/claude /sys/kernel/claude /dev/shm/claude; do
        try "the target is $kind" the_target_is_the_kernels "$kind"
    done
    try "a component is swapped a million times" a_component_is_swapped
    [[ $ENGINE == crun ]] || return 0
    try "the host's /dev is bound" the_hosts_dev_is_bound
    try "the volume around the target is shared" the_volume_around_the_target_is_shared
}
