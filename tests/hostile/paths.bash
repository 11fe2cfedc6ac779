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
# not.
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
            echo "$name: delivered"
        elif [[ $log == *"profile '$name'"* ]]; then
            echo "$name: refused"
        else
            echo "$name: NEITHER delivered nor refused" && status=1
        fi
    done <<<"$found"
    return "$status"
}
