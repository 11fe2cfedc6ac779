// SPDX-License-Identifier: Apache-2.0
#include "refresh/logins.h"

#include <filesystem>
#include <tuple>

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

Profile profile_of(const std::string& name, const std::string& credentials) {
  Profile profile;
  profile.name = name;
  profile.credentials = credentials;
  return profile;
}

}  // namespace

TEST_CASE("profiles share a login where their documents are one file, by whatever link") {
  const TempDir dir;
  std::filesystem::create_directory(dir / "real");
  const std::string real = dir.write("real/login.json", "{}");
  dir.write("real/other.json", "{}");
  std::filesystem::create_symlink(real, dir / "link.json");
  std::filesystem::create_directory_symlink(dir / "real", dir / "directory");
  Config config;
  config.profiles = {profile_of("a", real), profile_of("b", dir / "real/other.json"),
                     profile_of("c", dir / "link.json"), profile_of("d", dir / "directory/login.json")};
  std::vector<const Profile*> all;
  for (const Profile& profile : config.profiles) all.push_back(&profile);
  const std::vector<LoginProfiles> logins = logins_of(all);
  REQUIRE(logins.size() == 2);
  REQUIRE(logins[0].size() == 3);
  CHECK(logins[0][1]->name == "c");
  CHECK(logins[0][2]->name == "d");
  CHECK(logins[1][0]->name == "b");
  CHECK(siblings_of(config, config.profiles[3]).size() == 2);
  CHECK(siblings_of(config, config.profiles[1]).empty());
}

TEST_CASE("entries of one file are logins of their own, and feed the profile that delivers them") {
  const TempDir dir;
  const std::string path = dir.write("login.json", "{}");
  Config config;
  config.profiles = {profile_of("agent", path), profile_of("first", path), profile_of("again", path)};
  for (size_t i : {1U, 2U}) config.profiles[i].entry = "x";
  config.profiles[1].delivered_by = "agent";
  const auto& [agent, first, again] = std::tie(config.profiles[0], config.profiles[1], config.profiles[2]);
  CHECK(logins_of({&agent, &first, &again}).size() == 2);
  CHECK(fed_by(config, agent).empty());
  CHECK(siblings_of(config, first) == LoginProfiles{&again});
  CHECK(fed_by(config, first) == LoginProfiles{&again, &agent});
}

TEST_CASE("a command's token is no other profile's") {
  Config config;
  config.profiles = {profile_of("a", ""), profile_of("b", "")};
  for (Profile& profile : config.profiles) profile.source = ExecSource{.exec = {"/bin/x"}};
  CHECK(logins_of({&config.profiles[0], &config.profiles[1]}).size() == 2);
  CHECK(siblings_of(config, config.profiles[0]).empty());
}

TEST_CASE("a document that is replaced stays the same login, and missing ones are distinguished") {
  const TempDir dir;
  const std::string path = dir.write("login.json", "{}");
  Config config;
  config.profiles = {profile_of("a", path), profile_of("b", path), profile_of("c", dir / "none/x.json"),
                     profile_of("d", dir / "none/y.json")};
  dir.write("new.json", "{}");
  std::filesystem::rename(dir / "new.json", path);
  CHECK(siblings_of(config, config.profiles[0]).size() == 1);
  CHECK(siblings_of(config, config.profiles[2]).empty());
}
