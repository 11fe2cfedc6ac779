# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The words of the systemd tests: a machine is a Podman container that boots this host's own systemd on a file system
# of its own, with the project installed in /usr/local and a token endpoint on its loopback. For .bats files that
# `run` started.
#
#   prepare_tree, boot [OPTION...], shut_down, remove_tree   the machine's life; shut_down keeps its disk
#   machine COMMAND...              runs COMMAND as root in it
#   as_person COMMAND...            the same as the person whose login it is, beside their user manager
#   journal OPTION...               what its journal holds
#   a_login SECONDS, current_token  a new login whose access token lives so long, written by rename; its access token
#   start_container, token_inside   a crun container that mounts the token; the token that it finds

# shellcheck source=tests/support/words.bash
source "${BASH_SOURCE[0]%/*}/../support/words.bash"

readonly person=me person_id=59998 target=/run/secrets/claude
readonly tree=/run/lab/machine socket=/run/oci-oauth/refresh.sock
readonly login=$tree/home/$person/.claude/.credentials.json
# Bats runs each test in a process of its own: what they share is here.
readonly shared=/run/lab/state
ENDPOINT=$shared/endpoint

podman() { CONTAINERS_CONF=/run/lab/containers.conf command podman --root /run/lab/storage --runroot /run/lab/runroot "$@"; }

prepare_tree() {
    mkdir -p "$tree"/{usr,etc/systemd/system,etc/oci-oauth,var/log/journal,var/lib,root,home,tmp,run,proc,sys,dev,srv/box} "$shared"
    local directory
    for directory in bin sbin lib lib32 lib64; do
        [[ ! -L /$directory ]] || ln -s "usr/$directory" "$tree/$directory"
    done
    cp -a /etc/{passwd,group,nsswitch.conf,pam.d,security,dbus-1,ld.so.cache,login.defs} "$tree/etc/"
    touch "$tree"/etc/{machine-id,fstab}
    printf "%s:*:19000::::::\n" root "$person" >"$tree/etc/shadow"
    echo "$person:x:$person_id:$person_id::/home/$person:/bin/sh" >>"$tree/etc/passwd"
    echo "$person:x:$person_id:" >>"$tree/etc/group"
    install -d -m 700 -o "$person_id" -g "$person_id" "$tree/home/$person"
    as_person_outside mkdir -p "${login%/*}"
    mount --bind /usr "$tree/usr"
    mount -o remount,bind,ro "$tree/usr"
    mount --bind "$INSTALLED" "$tree/usr/local"
    cat >/run/lab/containers.conf <<-END
		[containers]
		default_ulimits = ["nofile=1024:$(ulimit -Hn)", "nproc=1024:1024"]
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "file"
		END
}

as_person_outside() { setpriv --reuid "$person_id" --regid "$person_id" --clear-groups "$@"; }

# Its systemd has a cgroup of version 2 to itself, which any later than 257 needs, whatever this host has.
# shellcheck disable=SC2016
readonly init='set -e
    mount -t cgroup2 none /sys/fs/cgroup
    mkdir -p "/sys/fs/cgroup/$LAB_CGROUP/machine"
    echo $$ >"/sys/fs/cgroup/$LAB_CGROUP/machine/cgroup.procs"
    umount /sys/fs/cgroup
    exec unshare --cgroup sh -c "mount -t cgroup2 none /sys/fs/cgroup && exec /lib/systemd/systemd"'

# boot [OPTION...]: of Podman's. Without one: rights for mount and network namespaces, as a host's systemd has them (262 goes
# on without PrivateNetwork= where it lacks CAP_NET_ADMIN), but none over the kernel's settings.
boot() {
    podman run --detach --rm --name machine --systemd=false --cgroupns host --cgroup-parent "/$LAB_CGROUP" \
        --network host --cap-add SYS_ADMIN,SYS_PTRACE,NET_ADMIN --security-opt seccomp=unconfined \
        --security-opt apparmor=unconfined --tmpfs /run:mode=755 --tmpfs /tmp --env container=podman --env LAB_CGROUP \
        "$@" --rootfs "$tree" /bin/sh -c "$init" >/dev/null
    podman inspect --format '{{.State.Pid}}' machine >"$shared/pid"
    eventually is_booted
}

is_booted() { [[ $(machine systemctl is-system-running 2>/dev/null) == @(running|degraded) ]]; }

shut_down() { podman rm --force --time 0 machine >/dev/null; }

remove_tree() {
    umount "$tree/usr/local" "$tree/usr"
    rm -rf --one-file-system "$tree" "$shared"
}

machine() {
    nsenter --target "$(<"$shared/pid")" --all env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
        "$@" </dev/null 3>&-
}

as_person() {
    machine setpriv --reuid "$person_id" --regid "$person_id" --clear-groups \
        env HOME="/home/$person" XDG_RUNTIME_DIR="/run/user/$person_id" "$@"
}

# What the units do is in the journal, which journald notifies of, and in what they publish.
watched_places() {
    find "$tree/var/log/journal" -type d
    find "$(in_machine /run/oci-oauth/share)" -maxdepth 1 -type d 2>/dev/null || true
}

journal() { machine journalctl --boot --quiet "$@"; }

start_trusted_endpoint() {
    start_endpoint
    cp "$ENDPOINT/ca.pem" "$tree/etc/oci-oauth/ca.pem"
}

# configuration [FILTER]: one profile, changed by a jq FILTER.
configuration() {
    jq -n --arg credentials "/home/$person/.claude/.credentials.json" --arg token_url "$(<"$ENDPOINT/url")" \
        "{profiles: {claude: {\$credentials, \$token_url, ca_file: \"/etc/oci-oauth/ca.pem\", target: \"$target\"}}} | ${1:-.}"
}

# As Claude Code does it: a new file, renamed.
a_login() {
    # shellcheck disable=SC2016
    control "login?expires_in=$1" --request POST |
        as_person_outside sh -c 'umask 077; cat >"$1.new" && mv "$1.new" "$1"' - "$login"
}
a_login_in_place() { control "login?expires_in=$1" --request POST >"$shared/login" && cat "$shared/login" >"$login"; }
current_token() { jq -r .claudeAiOauth.accessToken "$login"; }
published_token() { cat "$(in_machine /run/oci-oauth/share/claude/token)" 2>/dev/null; }
is_published() { [[ $(published_token) == "$(current_token)" ]]; }
is_rotated() { [[ $(current_token) != "$1" ]] && is_published; }

unit() { machine systemctl "$@"; }
ask() { machine ask-refresher "$socket" ask "$@"; }
# The path of a machine's file, from outside.
in_machine() { echo "/proc/$(<"$shared/pid")/root$1"; }
state_of() { machine systemctl show --property ActiveState --value "$1"; }
# What was under way comes to its end first: for eventually.
nothing_runs() { [[ -z $(machine systemctl list-units --no-legend 'oci-oauth*') ]]; }
is_in_state() { [[ $(state_of "$2") == "$1" ]]; }

# A container of crun's with the hook.
prepare_container() {
    local bundle=$tree/srv/box hook=/usr/local/libexec/oci/hooks.d/oci-oauth-hook
    rootfs "$bundle/rootfs"
    # shellcheck disable=SC2016
    write_spec "$bundle" 'del(.linux.resources) | .process.args = ["sleep", "infinity"]
        | .mounts |= map(select(.type != "cgroup")) + [{type: "tmpfs", source: "tmpfs", destination: $target}]
        | .hooks = ({createRuntime, poststop} | with_entries(.value = hook($hook; []; .key)))' \
        --arg hook "$hook" --arg target "$target"
}

# bundle_of ID [FILTER]: the bundle of a container: the prepared one, its configuration changed by a jq FILTER.
bundle_of() {
    [[ $1 != box ]] || { echo /srv/box && return; }
    mkdir -p "$tree/srv/$1"
    jq --arg target "$target" ".root.path = \"/srv/box/rootfs\" | $2" "$tree/srv/box/config.json" >"$tree/srv/$1/config.json"
    echo "/srv/$1"
}

# crun sees no cgroups: those of the machine are its systemd's, and crun refuses a hybrid of both versions.
# shellcheck disable=SC2016
crun_in_machine() {
    machine unshare --mount sh -c 'mount -t tmpfs none /sys/fs/cgroup && exec crun --cgroup-manager=disabled "$@" >/run/crun.log 2>&1' - "$@"
}
# start_container [ID [FILTER]]
start_container() {
    local id=${1:-box}
    crun_in_machine run --detach --bundle "$(bundle_of "$id" "${2:-.}")" --pid-file "/run/$id.pid" "$id"
}
stop_container() { crun_in_machine delete --force "${1:-box}"; }
# shellcheck disable=SC2016
inside() { machine sh -c 'exec nsenter --target "$(cat /run/box.pid)" --mount "$@"' - "$@"; }
token_inside() { inside cat "$target/token"; }
container_has_current_token() { [[ $(token_inside) == "$(current_token)" ]]; }
