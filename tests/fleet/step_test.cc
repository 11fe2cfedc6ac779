// SPDX-License-Identifier: Apache-2.0
#include "fleet/step.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "base/process.h"
#include "fleet/store.h"
#include "support/catch.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

namespace {

constexpr Time noon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 25) + 12h;

LoginRecord a_login() {
  LoginRecord login;
  login.profile = "claude";
  login.epoch = "e1";
  login.nonce = "n0";
  login.by = "host-1";
  login.refresh_token_hash = "t1";
  login.obtained_at = noon - 7h;
  login.expires_at = noon + 1h;
  return login;
}

LoginRecord with_intent(std::uint32_t attempt = 1) {
  LoginRecord login = a_login();
  login.intent = Intent{"n0", "host-7", noon - 1min, attempt};
  return login;
}

Sight sight_of(const LoginRecord& login) {
  return {.record = &login,
          .memory = &login,
          .host = "host-2",
          .now = noon,
          .watched = 1h,
          .record_watched = 1h,
          .intent_watched = 0s,
          .is_wanted = true};
}

RotationNote note_of(const LoginRecord& login, RotationStage progress) {
  return {
      progress, "n1", login.nonce, login.epoch, login.ordinal, login.generation, login.refresh_token_hash};
}

}  // namespace

TEST_CASE("a token that is due is claimed, with an intent in the record") {
  const LoginRecord login = a_login();
  const Move move = next_move(sight_of(login), "n1");
  REQUIRE(move.act == Act::claim);
  CHECK(move.record->intent->nonce == "n1");
  CHECK(move.record->intent->by == "host-2");
  CHECK(move.note->base == "n0");
  CHECK(move.note->refresh_token_hash == "t1");
}

TEST_CASE("a token that is not due is left alone") {
  const LoginRecord login = a_login();
  Sight sight = sight_of(login);
  sight.is_wanted = false;
  CHECK(next_move(sight, "n1").act == Act::nothing);
}

TEST_CASE(
    "another host's intent is waited for, then left alone while the access token lives, then tried once") {
  const LoginRecord login = with_intent();
  Sight sight = sight_of(login);
  CHECK(next_move(sight, "n1").act == Act::wait);
  sight.intent_watched = longest_intent;
  CHECK(next_move(sight, "n1").act == Act::stop);
  CHECK(next_move(sight, "n1").kind == FailureKind::unknown);
  sight.now = login.expires_at - late;
  REQUIRE(next_move(sight, "n1").act == Act::claim);
  CHECK(next_move(sight, "n1").record->intent->attempt == 2);
  sight.intent_watched = 0s;
  CHECK(next_move(sight, "n1").act == Act::wait);
}

TEST_CASE("with takeover never, a person decides") {
  const LoginRecord login = with_intent();
  Sight sight = sight_of(login);
  sight.intent_watched = 1h;
  sight.now = login.expires_at;
  sight.takeover = Takeover::never;
  const Move move = next_move(sight, "n1");
  CHECK(move.kind == FailureKind::login_required);
  CHECK(move.hint == "oci-oauth fleet takeover claude");
  sight.now = noon;
  sight.takeover = Takeover::now;
  CHECK(next_move(sight, "n1").act == Act::claim);
}

TEST_CASE("a new login on this host replaces one that is over, and nothing else") {
  LoginRecord login = a_login();
  Sight sight = sight_of(login);
  sight.is_wanted = false;
  sight.local = LocalLogin{"t9", noon + 8h};
  CHECK(next_move(sight, "n1").act == Act::nothing);
  login.state = LoginState::dead;
  const Move move = next_move(sight, "n1");
  REQUIRE(move.act == Act::adopt);
  CHECK(move.record->ordinal == 2);
  CHECK(move.record->epoch != login.epoch);
  CHECK(move.record->generation == 1);
  CHECK(move.record->refresh_token_hash == "t9");
  CHECK(move.record->state == LoginState::joining);
  SECTION("nor an old document, one that cannot be dated, or the same") {
    for (const Time end : {noon - 1h, login.expires_at, Time(1ms), end_of_time}) {
      sight.local->expires_at = end;
      CHECK(next_move(sight, "n1").act != Act::adopt);
    }
    sight.local = LocalLogin{"t1", noon + 8h};
    CHECK(next_move(sight, "n1").act != Act::adopt);
  }
  SECTION("nor on a host that has just come into touch with the store, which may be old") {
    sight.watched = 30s;
    CHECK(next_move(sight, "n1").kind == FailureKind::busy);
  }
  SECTION("nor where the login was taken back") {
    login.state = LoginState::moved;
    CHECK(next_move(sight, "n1").act == Act::stop);
  }
}

TEST_CASE("a login that joins is live once its host does not have the refresh token any more") {
  LoginRecord login = a_login();
  login.state = LoginState::joining;
  login.by = "host-2";
  Sight sight = sight_of(login);
  sight.local = LocalLogin{"t1", noon + 8h};
  CHECK(next_move(sight, "n1").act == Act::adopt);
  sight.local = LocalLogin{"another", noon + 8h};  // the client has refreshed it meanwhile
  REQUIRE(next_move(sight, "n1").act == Act::adopt);
  CHECK(next_move(sight, "n1").record->ordinal == 2);
  sight.local = LocalLogin{"another", noon - 8h};
  CHECK(next_move(sight, "n1").act == Act::stop);
  sight.local.reset();
  REQUIRE(next_move(sight, "n1").act == Act::write);
  CHECK(next_move(sight, "n1").record->state == LoginState::live);
  sight.host = "host-3";
  CHECK(next_move(sight, "n1").kind == FailureKind::busy);
}

TEST_CASE("after a second attempt whose holder is silent, the record says that a person must log in") {
  const LoginRecord login = with_intent(2);
  Sight sight = sight_of(login);
  sight.intent_watched = longest_intent;
  const Move move = next_move(sight, "n1");
  REQUIRE(move.act == Act::write);
  CHECK(move.record->state == LoginState::dead);
  CHECK(move.record->why.find("host-7, and its answer never arrived") != std::string::npos);
  sight.record = &*move.record;
  CHECK(next_move(sight, "n2").kind == FailureKind::login_required);
}

TEST_CASE("an answer is committed whatever the record says, as long as the token is the one that was spent") {
  LoginRecord login = with_intent(2);
  login.state = LoginState::dead;
  const RotationNote note = note_of(login, RotationStage::granted);
  Sight sight = sight_of(login);
  sight.note = &note;
  sight.is_wanted = false;
  const Move move = next_move(sight, "n2");
  REQUIRE(move.act == Act::commit);
  CHECK(move.record->generation == 2);
  CHECK(move.record->state == LoginState::live);
  CHECK_FALSE(move.record->intent);
  login.refresh_token_hash = "t2";
  ++login.generation;
  CHECK(next_move(sight, "n3").act == Act::forget);
  CHECK_FALSE(next_move(sight, "n3").why.empty());
}

TEST_CASE("a claim that was not sent is given back, and one that may still be on its way cannot arrive") {
  LoginRecord login = a_login();
  const RotationNote note = note_of(login, RotationStage::claiming);
  Sight sight = sight_of(login);
  sight.note = &note;
  Move move = next_move(sight, "n2");
  REQUIRE(move.act == Act::write);
  CHECK(move.record->nonce == "n2");
  login.nonce = "n1";
  login.intent = Intent{"n1", "host-2", noon, 1};
  move = next_move(sight, "n3");
  REQUIRE(move.act == Act::write);
  CHECK_FALSE(move.record->intent);
  login.nonce = "n4";
  login.intent.reset();
  CHECK(next_move(sight, "n5").act == Act::forget);
}

TEST_CASE("a refusal is told to the fleet: for good, or with a pause") {
  LoginRecord login = a_login();
  login.intent = Intent{"n1", "host-2", noon, 1};
  RotationNote note = note_of(login, RotationStage::refused);
  note.why = "invalid_grant";
  Sight sight = sight_of(login);
  sight.note = &note;
  CHECK(next_move(sight, "n2").record->state == LoginState::dead);
  note.rest = FleetRest{noon + 10min, FailureKind::throttled, 1, "429"};
  const Move move = next_move(sight, "n2");
  CHECK(move.record->state == LoginState::live);
  sight.note = nullptr;
  sight.record = &*move.record;
  CHECK(next_move(sight, "n3").kind == FailureKind::throttled);
  CHECK(next_move(sight, "n3").retry_after == 10min);
  sight.is_forced = true;
  CHECK(next_move(sight, "n3").act == Act::claim);
}

TEST_CASE("a store that went back, or was lost, gets the record from memory, which nobody claims at once") {
  LoginRecord known = a_login();
  known.generation = 7;
  known.refresh_token_hash = "t7";
  const LoginRecord old = a_login();
  Sight sight = sight_of(old);
  sight.memory = &known;
  for (const LoginRecord* there : {&old, static_cast<const LoginRecord*>(nullptr)}) {
    sight.record = there;
    const Move move = next_move(sight, "n9");
    REQUIRE(move.act == Act::write);
    CHECK(move.record->generation == 7);
    CHECK(move.record->is_healed);
    Sight after = sight_of(*move.record);
    after.record_watched = 0s;
    CHECK(next_move(after, "n10").kind == FailureKind::busy);
  }
}

TEST_CASE("two logins of one number, or two tokens of one generation, are a person's to decide") {
  const LoginRecord known = a_login();
  LoginRecord other = a_login();
  other.epoch = "e2";
  Sight sight = sight_of(other);
  sight.memory = &known;
  CHECK(next_move(sight, "n1").kind == FailureKind::login);
  other.epoch = "e1";
  other.refresh_token_hash = "t2";
  CHECK(next_move(sight, "n1").kind == FailureKind::login);
  other.ordinal = 2;
  CHECK(next_move(sight, "n1").act == Act::claim);
}

TEST_CASE("a host that has just come into touch with the store does not refresh") {
  const LoginRecord login = a_login();
  Sight sight = sight_of(login);
  sight.memory = nullptr;
  sight.watched = 30s;
  const Move move = next_move(sight, "n1");
  CHECK(move.act == Act::stop);
  CHECK(move.retry_after == 90s);
}

TEST_CASE("a store that forgot an intent of ours is told again that the token may be spent") {
  const LoginRecord login = a_login();
  const RotationNote note = note_of(login, RotationStage::sent);
  Sight sight = sight_of(login);
  sight.note = &note;
  const Move move = next_move(sight, "n2");
  REQUIRE(move.act == Act::write);
  CHECK(move.record->intent->nonce == "n1");
}

namespace {

// A fleet on a store and a strict endpoint, all of which do one small thing at a time, in an order that
// chance decides. Writes and requests arrive late, answers are lost, hosts pause and die, the store is turned
// back.
class World {
 public:
  explicit World(unsigned seed, unsigned hosts) : chance_(seed), hosts_(hosts) {
    store_ = std::make_shared<LoginRecord>(a_login());
    store_->expires_at = time_ + 10min;
    history_.push_back(store_);
    for (size_t i = 0; i < hosts_.size(); ++i) hosts_[i].name = "host-" + std::to_string(i);
  }

  void run(unsigned steps) {
    for (unsigned i = 0; i < steps; ++i) event();
    quiet_ = true;
    for (unsigned i = 0; i < 400 * hosts_.size(); ++i) event();
  }

  unsigned grants = 0, late_attempts = 0, adopted = 0;

 private:
  using Record = std::shared_ptr<LoginRecord>;
  enum class At { look, write, noted, sent, answered };

  struct Host {
    std::string name;
    Record memory, seen;
    std::optional<RotationNote> note;
    std::string granted;  // in the journal
    At at = At::look;
    Move move;
    Time since = {}, record_since = {}, intent_since = {}, last = {}, claimed_at = {}, wakes = {};
    std::string record_nonce, intent_nonce;
    std::string answer;  // on its way
    std::optional<LocalLogin> document;
    bool is_from_backup = false;
  };
  struct LateWrite {
    std::string base;
    Record record;
  };
  struct LateRequest {
    size_t host;
    std::string token, nonce;
    std::uint32_t attempt;
    Time until, late_at;
  };

  bool happens(unsigned percent) { return !quiet_ && chance_() % 100 < percent; }

  void event() {
    time_ += Milliseconds(chance_() % (quiet_ ? 30000 : 8000));
    if (happens(4) && !writes_.empty()) arrive_write();
    while (!requests_.empty() && (quiet_ || chance_() % 2 == 0)) arrive_request();
    if (happens(1)) turn_back();
    if (happens(1)) log_in();
    if (happens(1)) bring_back_document();
    const size_t index = chance_() % hosts_.size();
    Host& host = hosts_[index];
    if (happens(6)) return die(host);
    if (happens(4)) host.wakes = time_ + Milliseconds(chance_() % 90000);
    if (host.wakes <= time_) step(host, index);
  }

  void die(Host& host) {
    host.at = At::look;
    host.answer.clear();
  }

  // Whatever state the fleet's login is in.
  void log_in() {
    Host& host = hosts_[chance_() % hosts_.size()];
    host.document = LocalLogin{new_token(), time_ + 10min};
    host.is_from_backup = false;
  }
  // From a backup: what the login was at some time.
  void bring_back_document() {
    const LoginRecord& old = *history_[chance_() % history_.size()];
    Host& host = hosts_[chance_() % hosts_.size()];
    host.document = LocalLogin{old.refresh_token_hash, old.expires_at};
    host.is_from_backup = true;
  }
  std::string new_token() {
    const std::string token = "t" + std::to_string(++issued_);
    current_.insert(token);
    return token;
  }

  // With what the follower of a refresher does at once: it calls for a look.
  void turn_back() {
    store_ = chance_() % 4 == 0 ? nullptr : history_[chance_() % history_.size()];
    Host* newest = &hosts_.front();
    for (Host& host : hosts_) {
      if (host.memory != nullptr && (newest->memory == nullptr || is_older(*newest->memory, *host.memory)))
        newest = &host;
    }
    if (newest->memory == nullptr || is_older(*newest->memory, *history_.back())) {
      store_ = history_.back();  // nobody could know
      return;
    }
    die(*newest);
    newest->wakes = {};
    for (int i = 0; i < 3; ++i) step(*newest, static_cast<size_t>(newest - hosts_.data()));
  }

  void arrive_write() {
    const size_t index = chance_() % writes_.size();
    const LateWrite late_one = writes_[index];
    writes_.erase(writes_.begin() + static_cast<std::ptrdiff_t>(index));
    if (store_ != nullptr && store_->nonce == late_one.base) put(late_one.record);
  }

  void arrive_request() {
    const LateRequest request = requests_.back();
    requests_.pop_back();
    Host& host = hosts_[request.host];
    if (time_ > request.until) return;  // the endpoint closed the connection
    unsigned& uses = uses_[request.token];
    ++uses;
    if (uses > 1) {
      INFO("token " << request.token << ", attempt " << request.attempt << ", use " << uses);
      // Nobody's second use comes before the access token is at its end, and there is no third.
      REQUIRE(request.attempt == 2);
      REQUIRE(uses == 2);
      REQUIRE(time_ >= request.late_at);
      ++late_attempts;
    }
    const bool is_current = current_.erase(request.token) > 0;
    const std::string granted = is_current ? new_token() : "refused";
    if (is_current) ++grants;
    const bool is_there = host.at == At::sent && host.note && host.note->nonce == request.nonce;
    if (is_there && !happens(8)) host.answer = granted;
  }

  void put(const Record& record) {
    store_ = record;
    history_.push_back(record);
  }

  // Result: yes, no, or lost.
  Written write(Host& host, const LoginRecord& next) {
    auto record = std::make_shared<LoginRecord>(next.copy());
    const std::string base = host.seen == nullptr ? "" : host.seen->nonce;
    if (happens(5)) {
      writes_.push_back({base, record});
      return Written::unknown;
    }
    if ((store_ == nullptr ? "" : store_->nonce) != base) return Written::no;
    put(record);
    host.memory = record;
    return happens(5) ? Written::unknown : Written::yes;
  }

  Sight sight(Host& host) {
    if (host.last + 5min < time_) host.since = time_;
    host.last = time_;
    host.seen = store_;
    const std::string nonce = store_ == nullptr ? "" : store_->nonce;
    const std::string intent = store_ != nullptr && store_->intent ? store_->intent->nonce : "";
    if (nonce != host.record_nonce) host.record_since = time_;
    if (intent != host.intent_nonce) host.intent_since = time_;
    host.record_nonce = nonce;
    host.intent_nonce = intent;
    const bool is_due = store_ != nullptr && time_ >= store_->expires_at - 5min;
    return {.record = store_.get(),
            .memory = host.memory.get(),
            .note = host.note ? &*host.note : nullptr,
            .host = host.name,
            .now = time_,
            .watched = time_ - host.since,
            .record_watched = time_ - host.record_since,
            .intent_watched = time_ - host.intent_since,
            .is_wanted = is_due,
            .local = host.document};
  }

  void step(Host& host, size_t index) {
    switch (host.at) {
      case At::look:
        return look(host);
      case At::write:  // the connection to the endpoint is open
        host.claimed_at = time_;
        host.at = write(host, *host.move.record) == Written::yes ? At::noted : At::look;
        return;
      case At::noted:
        host.at = At::look;
        if (time_ - host.claimed_at > 3s) return;
        host.note->progress = RotationStage::sent;
        host.at = At::sent;
        requests_.push_back({index, host.note->refresh_token_hash, host.note->nonce,
                             host.move.record->intent->attempt, host.claimed_at + 30s,
                             host.move.record->expires_at - late});
        return;
      case At::sent:
        if (host.answer.empty() && time_ - host.claimed_at > 30s) host.at = At::look;
        if (host.answer.empty()) return;
        host.at = At::look;
        host.note->progress = host.answer == "refused" ? RotationStage::refused : RotationStage::granted;
        host.note->why = "invalid_grant";
        host.granted = std::exchange(host.answer, "");
        return;
      case At::answered:
        return;
    }
  }

  void look(Host& host) {
    if (happens(5)) return;  // the store cannot be reached
    host.move = next_move(sight(host), "n" + std::to_string(++nonces_));
    if (store_ != nullptr && (host.memory == nullptr || !is_older(*store_, *host.memory)))
      host.memory = store_;
    switch (host.move.act) {
      case Act::write:
        (void)write(host, *host.move.record);
        return;
      case Act::commit:
        host.move.record->refresh_token_hash = host.granted;
        host.move.record->expires_at = time_ + 10min;
        (void)write(host, *host.move.record);
        return;
      case Act::forget:
        // No answer is ever thrown away that the fleet could use.
        if (host.note->progress == RotationStage::granted)
          REQUIRE(store_->refresh_token_hash != host.note->refresh_token_hash);
        host.note.reset();
        return;
      case Act::adopt:
        // A login that works is never replaced, and none that was ever used takes its place.
        REQUIRE((store_->state == LoginState::dead || store_->state == LoginState::joining));
        REQUIRE(uses_[host.move.record->refresh_token_hash] == 0);
        if (write(host, *host.move.record) != Written::yes || happens(20)) return;
        host.document.reset();
        ++adopted;
        return;
      case Act::claim:
        // Nobody has the token but the store.
        for (const Host& other : hosts_) {
          const bool has_it =
              other.document && other.document->refresh_token_hash == store_->refresh_token_hash;
          REQUIRE((!has_it || other.is_from_backup));
        }
        host.note = host.move.note;
        host.at = At::write;
        return;
      case Act::nothing:
      case Act::wait:
      case Act::stop:
        return;
    }
  }

  std::mt19937 chance_;
  std::vector<Host> hosts_;
  Record store_;
  std::vector<Record> history_;
  std::vector<LateWrite> writes_;
  std::vector<LateRequest> requests_;
  std::map<std::string, unsigned> uses_;
  std::set<std::string> current_ = {"t1"};
  unsigned issued_ = 1, nonces_ = 0;
  bool quiet_ = false;
  Time time_ = noon;
};

}  // namespace

TEST_CASE(
    "in any order of events, each refresh token is used once, and once more only when nothing is left to "
    "lose") {
  const std::string wanted(from_environment("FLEET_SCHEDULES"));
  const unsigned schedules = wanted.empty() ? 3000 : static_cast<unsigned>(std::stoul(wanted));
  unsigned grants = 0, late_attempts = 0, adopted = 0;
  for (unsigned seed = 0; seed < schedules; ++seed) {
    CAPTURE(seed);
    World world(seed, 1 + seed % 5);
    world.run(300);
    grants += world.grants;
    late_attempts += world.late_attempts;
    adopted += world.adopted;
  }
  CHECK(grants > schedules);
  CHECK(late_attempts > 0);
  CHECK(adopted > 0);
  CHECK(late_attempts < grants);
}
