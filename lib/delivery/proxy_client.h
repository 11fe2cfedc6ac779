// SPDX-License-Identifier: Apache-2.0
// What other programs ask of oci-oauth-proxy, on runtime_dir/proxy.sock. A request is one message, and the
// answer is everything until the end of the stream.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/record.h"
#include "base/result.h"
#include "base/time.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

// "admit\nPROFILE\nID", with one or two listening sockets, the pidfd of the container's first process, and
// the open directory of the profile's token; answered with admitted, or with the reason why not.
constexpr std::string_view admit_request = "admit", traffic_request = "traffic", admitted = "ok\n";

// What a container has asked since the proxy was started, or the container if that was later.
struct ProxiedContainer {
  std::string profile, id;
  std::uint64_t requests = 0, refused = 0, bytes = 0;  // refused: answered 403; bytes: of answers

  friend bool operator==(const ProxiedContainer&, const ProxiedContainer&) = default;
};

template <class Each, RecordOf<ProxiedContainer> Self>
void describe(Each& each, Self& container) {
  each("profile", container.profile, Presence::required);
  each("id", container.id, Presence::required);
  each("requests", container.requests);
  each("refused", container.refused);
  each("bytes", container.bytes);
}

struct ProxyTraffic {
  static constexpr int version = 1;
  std::vector<ProxiedContainer> containers;

  friend bool operator==(const ProxyTraffic&, const ProxyTraffic&) = default;
};

template <class Each, RecordOf<ProxyTraffic> Self>
void describe(Each& each, Self& traffic) {
  each("containers", traffic.containers);
}

struct HandedOver {
  std::string_view profile, container;
  int listening, process, share;
  int on_loopback = -1;  // -1: none
};

// Gives a container's listening sockets to the proxy. Failure: nobody answers by `deadline`, or the proxy's
// reason.
Result<void> hand_over(const RuntimeDir& runtime, const HandedOver& socket, SteadyTime deadline);

// Result: empty if no proxy is running.
std::vector<ProxiedContainer> proxied_containers(const RuntimeDir& runtime);

}  // namespace oci_oauth
