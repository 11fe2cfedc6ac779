// SPDX-License-Identifier: Apache-2.0
// What other programs ask of oci-oauth-proxy, on runtime_dir/proxy.sock. A request is one message, and the
// answer is everything until the end of the stream.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/record.h"
#include "base/result.h"
#include "base/time.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

// "admit\nPROFILE\nID\nSHARE", with one or two listening sockets, the pidfd of the container's first process,
// and the open directory of the profile's token. A proxy that has the directory SHARE ("DEVICE:INODE") needs
// it no more. The answer is a line: admitted, wants_share, or the reason why not.
constexpr std::string_view admit_request = "admit", admitted = "ok\n", wants_share = "share\n",
                           traffic_request = "traffic";

// What a container has asked since the proxy was started, or the container if that was later.
struct ProxiedContainer {
  std::string profile, id;
  std::uint64_t requests = 0, refused = 0, bytes = 0;  // refused: answered 403; bytes: of answers
};

void describe(auto& each, RecordOf<ProxiedContainer> auto& container) {
  each("profile", container.profile, Presence::required);
  each("id", container.id, Presence::required);
  each("requests", container.requests);
  each("refused", container.refused);
  each("bytes", container.bytes);
}

struct ProxyTraffic {
  static constexpr int version = 1;
  std::vector<ProxiedContainer> containers;
};

void describe(auto& each, RecordOf<ProxyTraffic> auto& traffic) {
  each("containers", traffic.containers);
}

struct HandedOver {
  std::string_view profile, container;
  int listening, process;
  int on_loopback = -1;  // -1: none
  std::optional<FileId> share_id = {};
  int share = -1;  // -1: only if the proxy wants it
};

std::string share_text(const std::optional<FileId>& share);  // empty: unknown

enum class Admission { done, without_share };

// Gives a container's listening sockets to the proxy. Failure: nobody answers by `deadline`, or the proxy's
// reason.
Result<Admission> hand_over(const RuntimeDir& runtime, const HandedOver& socket, SteadyTime deadline);

// Result: empty if no proxy is running.
std::vector<ProxiedContainer> proxied_containers(const RuntimeDir& runtime);

}  // namespace oci_oauth
