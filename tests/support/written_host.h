// SPDX-License-Identifier: Apache-2.0
// A host with a runtime directory, and a directory that containers' tokens are written into.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/fingerprint.h"
#include "delivery/container_ledger.h"
#include "support/catch.h"
#include "support/temp_dir.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

struct WrittenHost {
  TempDir root;
  std::string written = root / "written";
  RuntimeDir runtime = open();

  RuntimeDir open() const {
    std::filesystem::create_directory(written);
    // An existing share/ gets no tmpfs of its own.
    std::filesystem::create_directories(root / "run/share");
    ::chmod((root / "run").c_str(), 0700);
    auto opened = RuntimeDir::open(root / "run");
    REQUIRE(opened);
    return std::move(*opened);
  }
  // What the hook records for a container that has the directory written with `token`, and Claude's document.
  ContainerRecord container(const std::string& id, const ProcessId& process,
                            const std::string& token = "sk-ant-oat01-x") const {
    struct stat status;
    REQUIRE(::stat(written.c_str(), &status) == 0);
    DeliveryRecord delivery;
    delivery.profile = "claude";
    delivery.kind = DeliveryKind::write;
    delivery.source = written;
    delivery.directory = FileId::of(status);
    delivery.owner = {::geteuid(), ::getegid()};
    delivery.mode = 0444;
    delivery.files = {{.name = "token", .fingerprints = {fingerprint(token)}},
                      {.name = ".credentials.json",
                       .member = "/claudeAiOauth",
                       .access_token = "/claudeAiOauth/accessToken",
                       .refresh_token = "/claudeAiOauth/refreshToken",
                       .fingerprints = {fingerprint(token)}}};
    ContainerRecord record = {id, "/bundles/" + id, process, now(), {delivery}, id};
    REQUIRE(ledger().save(id, record));
    return record;
  }
  ContainerLedger ledger() const { return ContainerLedger(runtime.fd()); }
  void publish(const std::string& token) const {
    REQUIRE(runtime.share("claude"));
    root.write("run/share/claude/token", token);
    root.write("run/share/claude/.credentials.json", document(token));
  }
  static std::string document(const std::string& token) {
    return R"({"claudeAiOauth":{"accessToken":")" + token + R"(","scopes":["a"]}})";
  }
  void file(const std::string& name, const std::string& content) const {
    root.write("written/" + name, content);
  }
  bool has(const std::string& name) const { return std::filesystem::exists(written + "/" + name); }
  std::string read(const std::string& name) const { return root.read("written/" + name); }
  bool knows(const std::string& id) const { return ledger().find(id).has_value(); }
};

inline ProcessId this_process() {
  return *identify_process(::getpid());
}

}  // namespace oci_oauth
