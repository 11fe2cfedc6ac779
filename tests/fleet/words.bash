# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The words of the lab's tests. N is a member's number; NAME is a network namespace: mN, or a host's.
#
#   add_namespace NAME ADDRESS        a namespace on the bridge; 10.77.0.1N are the members'
#   on NAME COMMAND...                runs COMMAND in that namespace
#   start_member N, end_member N      end: SIGKILL
#   pause_member N, resume_member N
#   cut NAME, join NAME               takes its cable away, and gives it back
#   deaf NAME, mute NAME              it receives, or sends, nothing that concerns the members; hear_all NAME ends both
#   save_members PLACE, restore_members PLACE   all members' data as a backup, and back to it, with the same identity
#   await_members                     until a write succeeds at each member that runs
#   etcd_call N PATH BODY             a request to the JSON gateway
#   eventually COMMAND...             until COMMAND succeeds, for 20 s at most

readonly bound_seconds=20

eventually() {
    local until=$((SECONDS + ${BOUND:-$bound_seconds}))
    until "$@"; do
        ((SECONDS < until)) || return 1
        read -rt 0.05 <> <(:) || true
    done
}

endpoint() { echo "https://10.77.0.1$1:2379"; }
pid_of() { cat "$LAB/$1.pid"; }
on() { ip netns exec "$@"; }

add_namespace() {
    ip netns add "$1"
    ip link add "to-$1" type veth peer name eth0 netns "$1"
    ip link set "to-$1" master hub up
    ip -n "$1" addr add "$2/16" dev eth0
    ip -n "$1" link set eth0 up
    ip -n "$1" link set lo up
}
cut() { ip link set "to-$1" down; }
join() { ip link set "to-$1" up; }
deaf() { on "$1" iptables -A INPUT -p tcp -m multiport --ports 2379,2380 -j DROP; }
mute() { on "$1" iptables -A OUTPUT -p tcp -m multiport --ports 2379,2380 -j DROP; }
hear_all() { on "$1" iptables -F; }

# sign NAME DAYS EXTENSIONS OPTION...: the request as NAME.pem, valid since 2020, so that it is also for a clock that is behind.
sign() {
    local name=$1 end
    end=$(date --utc --date "$2 days" +%Y%m%d%H%M%SZ)
    rm -f "$LAB/index"
    touch "$LAB/index"
    printf '[ca]\ndefault_ca=c\n[c]\ndatabase=%s\nrand_serial=yes\ndefault_md=sha256\npolicy=p\nemail_in_dn=no\nunique_subject=no\n[p]\ncommonName=supplied\n[x]\n%b\n' \
        "$LAB/index" "$3" >"$LAB/ca.cnf"
    shift 3
    openssl ca -batch -notext -config "$LAB/ca.cnf" -extensions x "$@" -startdate 20200101000000Z -enddate "$end" \
        -in "$LAB/request" -out "$LAB/$name.pem" -outdir "$LAB" 2>"$LAB/ca.log" || { cat "$LAB/ca.log" >&2; return 1; }
}
request() {
    [[ -e $2 ]] || openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$2" 2>/dev/null
    openssl req -new -key "$2" -subj "/CN=$1" -out "$LAB/request" 2>/dev/null
}
# authority NAME, then certificate NAME AUTHORITY DAYS SUBJECT_ALTERNATIVE_NAMES [KEY_OF]
authority() {
    request "$1" "$LAB/$1.key"
    sign "$1" 30 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash' -selfsign -keyfile "$LAB/$1.key"
}
certificate() {
    request "$1" "$LAB/${5:-$1}.key"
    sign "$1" "$3" "basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=$4" \
        -cert "$LAB/$2.pem" -keyfile "$LAB/$2.key"
}
make_certificates() {
    local n names=DNS:localhost,IP:127.0.0.1
    for ((n = 1; n <= MEMBERS; ++n)); do names+=,IP:10.77.0.1$n; done
    authority ca
    authority other-ca
    certificate member ca 30 "$names"
    certificate client ca 30 DNS:host
    certificate expired ca -1 DNS:host client
    certificate stranger other-ca 30 DNS:host client
    chmod 644 "$LAB/client.key"
}

# ETCD may be a directory of programs, VERSION/etcd; ETCD_N is that of one member.
program_of() {
    local own=ETCD_$1
    echo "${!own:-${ETCD:-etcd}}"
}
# Without descriptors 3 and 4, which are bats' own: it waits until they are closed, in setup_file too.
start_member() {
    local n=$1 all='' i
    for ((i = 1; i <= MEMBERS; ++i)); do all+=${all:+,}m$i=https://10.77.0.1$i:2380; done
    ip netns exec "m$n" env -u ETCD "$(program_of "$n")" --name "m$n" --data-dir "$LAB/m$n" --log-level error \
        --listen-client-urls "$(endpoint "$n")" --advertise-client-urls "$(endpoint "$n")" \
        --listen-peer-urls "https://10.77.0.1$n:2380" --initial-advertise-peer-urls "https://10.77.0.1$n:2380" \
        --initial-cluster "$all" --initial-cluster-token fleet \
        --client-cert-auth --trusted-ca-file "$LAB/ca.pem" --cert-file "$LAB/member.pem" --key-file "$LAB/member.key" \
        --peer-client-cert-auth --peer-trusted-ca-file "$LAB/ca.pem" --peer-cert-file "$LAB/member.pem" --peer-key-file "$LAB/member.key" \
        --quota-backend-bytes "${ETCD_QUOTA:-0}" ${ETCD_OPTIONS---unsafe-no-fsync} >>"$LAB/m$n.log" 2>&1 3>&- 4>&- </dev/null &
    echo $! >"$LAB/m$n.pid"
    disown
}
end_member() {
    local pid
    pid=$(pid_of "m$1")
    kill -KILL "$pid"
    eventually has_died "$pid"
}
has_died() { ! grep -q '^State:.[^ZX]' "/proc/$1/status" 2>/dev/null; }
pause_member() { kill -STOP "$(pid_of "m$1")"; }
resume_member() { kill -CONT "$(pid_of "m$1")"; }

etcd_call() {
    curl --silent --fail --max-time "${MAX_TIME:-3}" --cacert "$LAB/ca.pem" --cert "$LAB/client.pem" --key "$LAB/client.key" \
        "$(endpoint "$1")/v3/$2" --data "$3"
}
is_writable() { etcd_call "$1" kv/put '{"key":"bGFi","value":"eA=="}' >/dev/null; }
await_members() {
    local n
    for ((n = 1; n <= MEMBERS; ++n)); do
        [[ ! -d /proc/$(pid_of "m$n") ]] || eventually is_writable "$n" || { tail -n 5 "$LAB/m$n.log" >&2; return 1; }
    done
}

save_members() {
    local n
    for ((n = 1; n <= MEMBERS; ++n)); do end_member "$n"; done
    mkdir "$LAB/$1"
    for ((n = 1; n <= MEMBERS; ++n)); do cp -a "$LAB/m$n" "$LAB/$1/"; start_member "$n"; done
    await_members
}
restore_members() {
    local n
    for ((n = 1; n <= MEMBERS; ++n)); do end_member "$n"; rm -r "$LAB/m$n"; cp -a "$LAB/$1/m$n" "$LAB/"; done
    for ((n = 1; n <= MEMBERS; ++n)); do start_member "$n"; done
    await_members
}
