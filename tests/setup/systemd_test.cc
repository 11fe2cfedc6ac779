// SPDX-License-Identifier: Apache-2.0
#include "setup/systemd.h"

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

struct Units : TempDir {
  void unit(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories((*this / file).substr(0, (*this / file).rfind('/')));
    write(file, text);
  }
  std::vector<ServiceWord> words() const {
    const auto host = open_host(path());
    REQUIRE(host);
    return service_command(*host, "x.service");
  }
  std::string text() const {
    std::string all;
    for (const ServiceWord& word : words()) all += (all.empty() ? "" : "|") + word.text;
    return all;
  }
};

}  // namespace

TEST_CASE("a service's command is its unit's, with quotes and joined lines") {
  const Units machine;
  CHECK(machine.text().empty());
  machine.unit(
      "usr/lib/systemd/system/x.service",
      "[Unit]\nExecStart=/no\n[Service]\n# ExecStart=/no\nExecStart = -/bin/x --a 'b c' \\\n  \"d\"e\n");
  CHECK(machine.text() == "/bin/x|--a|b c|de");
}

TEST_CASE("the first directory's unit counts, and a drop-in may start again") {
  const Units machine;
  machine.unit("usr/lib/systemd/system/x.service", "[Service]\nExecStart=/bin/shipped\n");
  machine.unit("etc/systemd/system/x.service", "[Service]\nExecStart=/bin/own\n");
  CHECK(machine.text() == "/bin/own");
  machine.unit("etc/systemd/system/x.service.d/a.conf", "[Service]\nExecStart=/bin/second\n");
  CHECK(machine.text() == "/bin/own");
  machine.unit("usr/lib/systemd/system/x.service.d/a.conf", "[Service]\nExecStart=\nExecStart=/bin/hidden\n");
  CHECK(machine.text() == "/bin/own");
  machine.unit("usr/lib/systemd/system/x.service.d/b.conf", "[Service]\nExecStart=\nExecStart=/bin/new\n");
  CHECK(machine.words().at(0).file == "/usr/lib/systemd/system/x.service.d/b.conf");
}

TEST_CASE("variables are those of the unit, and a word says which file it is from") {
  const Units machine;
  machine.unit("etc/default/x", "# no\nOPTS=\"--b=1 --c\"\n");
  machine.unit(
      "etc/systemd/system/x.service",
      "[Service]\nEnvironment=ROOT=/srv 'NAME=n'\nEnvironmentFile=-/etc/default/x\nEnvironmentFile=-/none\n"
      "ExecStart=/bin/x --root=${ROOT}/$NAME $OPTS $NOTHING\n");
  CHECK(machine.text() == "/bin/x|--root=/srv/$NAME|--b=1|--c");
  CHECK(machine.words().at(2).file == "/etc/default/x");
  CHECK(machine.words().at(0).file == "/etc/systemd/system/x.service");
}
