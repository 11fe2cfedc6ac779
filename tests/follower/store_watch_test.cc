// SPDX-License-Identifier: Apache-2.0
#include "follower/store_watch.h"

#include <deque>

#include "base/text.h"
#include "support/catch.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

namespace {

// Answers as it was told to, and notes what it was asked.
class ScriptedStore final : public RecordStore {
 public:
  struct Turn {
    Result<Listing> listing = Listing{};
    std::vector<KeyChange> changes = {};
    Result<void> end = {};
  };
  std::deque<Turn> turns;
  std::string asked;

  Result<Listing> list(std::string_view) override {
    asked += "list ";
    return turns.front().listing ? Result<Listing>(*turns.front().listing) : fail();
  }
  Result<void> follow(std::string_view, const Listing& after, SteadyTime,
                      const std::function<bool(KeyChange)>& changed) override {
    asked += "follow " + after.version + " ";
    Turn turn = std::move(turns.front());
    turns.pop_front();
    for (const KeyChange& change : turn.changes) {
      if (!changed(change)) return {};
    }
    return turn.end;
  }
  Result<std::optional<Stored>> read(std::string_view) override { return std::optional<Stored>(); }
  Result<Written> write(std::string_view, std::string_view, const std::optional<Stored>&) override {
    return Written::no;
  }
  Result<StoreSight> examine() override { return StoreSight{}; }

 private:
  Error fail() {
    Error error = std::move(turns.front().listing).error();
    turns.pop_front();
    return error;
  }
};

KeyChange change(const char* key) {
  return {key, Stored{"bytes", "version"}};
}
const Error lost = {ErrorKind::temporary, "lost"};

struct Watched {
  std::string passed, told;
  std::vector<Milliseconds> pauses;
  std::string asked;
};

// Until `last` was passed on, or was the reason of a loss.
Watched watch(std::deque<ScriptedStore::Turn> turns, const std::string& last, double chance = 0) {
  Watched seen;
  auto store = std::make_unique<ScriptedStore>();
  ScriptedStore& script = *store;
  script.turns = std::move(turns);
  run({std::move(store), "/",
       [&](const StoreNews& news) {
         seen.asked = script.asked;
         const auto* const it = std::get_if<KeyChange>(&news);
         const auto* const error = std::get_if<Error>(&news);
         if (it != nullptr) seen.passed += it->key + " ";
         if (it == nullptr) seen.told += (error != nullptr ? error->message : "found") + ";";
         return it != nullptr ? it->key != last : error == nullptr || error->message != last;
       },
       [chance] { return chance; }, [&](Milliseconds time) { seen.pauses.push_back(time); }});
  return seen;
}

}  // namespace

TEST_CASE("a loss after which nobody wants more is the end, without a pause") {
  const auto seen = watch({{lost, {}, {}}}, "lost");
  CHECK(seen.told == "lost;");
  CHECK(seen.pauses.empty());
}

TEST_CASE("what is there is read before changes are waited for") {
  const auto seen = watch({{Listing{{change("a")}, "7"}, {change("b"), change("end")}, {}}}, "end");
  CHECK(seen.passed == "a b end ");
  CHECK(seen.asked == "list follow 7 ");
  CHECK(seen.pauses.empty());
}

TEST_CASE("after a loss all is read again, and each loss and each answer is told") {
  const auto seen = watch(
      {{Listing{{}, "1"}, {}, lost}, {lost, {}, {}}, {Listing{{change("a")}, "9"}, {change("end")}, {}}},
      "end");
  CHECK(seen.passed == "a end ");
  CHECK(seen.told == "found;lost;lost;found;");
  CHECK(seen.pauses == std::vector<Milliseconds>{1s, 1s});
}

TEST_CASE("each loss of a store that answers is the first one, and only silence makes the pauses longer") {
  const ScriptedStore::Turn answers = {Listing{{}, "1"}, {}, lost}, is_silent = {lost, {}, {}};
  const auto seen = watch(
      {answers, answers, is_silent, is_silent, answers, {Listing{{change("end")}, "2"}, {}, {}}}, "end", 1);
  CHECK(seen.pauses == std::vector<Milliseconds>{30s, 30s, 30s, 1min, 30s});
}

TEST_CASE("news are a line for another process, whatever bytes they have") {
  const KeyChange stored = {"/a key", Stored{std::string("\0\n \xff", 4), "7-a"}};
  for (const StoreNews& news : {StoreNews(stored), StoreNews(KeyChange{"k", std::nullopt}),
                                StoreNews(StoreAnswered()), StoreNews(Error{ErrorKind::temporary, "a\nb"})}) {
    const std::string line = line_of(news);
    REQUIRE(line.find('\n') == line.size() - 1);
    const auto read = news_of(std::string_view(line).substr(0, line.size() - 1));
    REQUIRE(read);
    CHECK(line_of(*read) == line);
  }
  CHECK(std::get<KeyChange>(*news_of(trimmed(line_of(stored), "\n"))).stored == stored.stored);
  for (const char* const line : {"", "else", "lost !", "removed a"}) CHECK_FALSE(news_of(line));
}

TEST_CASE("a stream that comes to its time is read again at once") {
  const auto seen = watch({{Listing{{}, "1"}, {}, {}}, {Listing{{change("end")}, "2"}, {}, {}}}, "end");
  CHECK(seen.asked == "list follow 1 list ");
  CHECK(seen.pauses.empty());
}

TEST_CASE("hosts that lose a member together do not come back together") {
  for (const unsigned failures : {1U, 2U}) {
    CHECK(pause_after(failures, 0.0) == 1s);
    CHECK(pause_after(failures, 0.999) > 29s);
    CHECK(pause_after(failures, 0.999) <= 30s);
  }
  CHECK(pause_after(4, 0.999) > 100s);
  for (const unsigned failures : {5U, 10U, 1'000'000U}) {
    CHECK(pause_after(failures, 0.999) <= 5min);
    CHECK(pause_after(failures, 0.0) == 1s);
  }
  CHECK(safety_read_after(0) == 5min);
  CHECK(safety_read_after(0.999) <= 10min);
}
