// SPDX-License-Identifier: Apache-2.0
// A host with a runtime directory, and a directory that containers' tokens are written into.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "delivery/container_record.h"
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
  ContainerRecord container(const std::string& id, const ProcessId& process) const {
    struct stat status;
    REQUIRE(::stat(written.c_str(), &status) == 0);
    DeliveryRecord delivery;
    delivery.profile = "claude";
    delivery.kind = DeliveryKind::write;
    delivery.source = written;
    delivery.device = status.st_dev;
    delivery.inode = status.st_ino;
    delivery.files = {"token", ".credentials.json"};
    ContainerRecord record = {id, process, now(), {delivery}};
    REQUIRE(save_record(runtime.containers().get(), record));
    return record;
  }
  void file(const std::string& name, const std::string& content) const {
    root.write("written/" + name, content);
  }
  bool has(const std::string& name) const { return std::filesystem::exists(written + "/" + name); }
  bool knows(const std::string& id) const { return load_record(runtime.containers().get(), id).has_value(); }
};

inline ProcessId this_process() {
  return *identify_process(::getpid());
}

}  // namespace oci_oauth
