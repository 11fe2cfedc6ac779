// SPDX-License-Identifier: Apache-2.0
#include "refresh/deliveries.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/fmt.h"
#include "delivery/container_ledger.h"
#include "delivery/document.h"
#include "delivery/written_directory.h"

namespace oci_oauth {

namespace {

// Others hold it only while they write or remove a few files.
constexpr auto wait_for_ledger = std::chrono::seconds(30);
// A record without files is only litter, and has its turn: another one if many are gone.
constexpr size_t most_per_turn = 64;

// A directory that the hook could not even open has no recorded files.
bool is_written(const DeliveryRecord& delivery, const std::string& profile) {
  return delivery.kind == DeliveryKind::write && delivery.profile == profile && !delivery.files.empty();
}

std::vector<WrittenFile> files_of(const std::vector<ContainerRecord>& records, const std::string& profile) {
  std::vector<WrittenFile> files;
  for (const ContainerRecord& record : records) {
    for (const DeliveryRecord& delivery : record.deliveries) {
      if (is_written(delivery, profile))
        files.insert(files.end(), delivery.files.begin(), delivery.files.end());
    }
  }
  return files;
}

// Delivers to one container in the ledger what it lacks.
class Mending {
 public:
  Mending(const ContainerLedger& ledger, const std::vector<ContainerRecord>& all, const Share& share,
          const FileStamp& login)
      : ledger_(ledger), share_(share), login_(login) {
    for (const ContainerRecord& record : all) {
      for (const DeliveryRecord& delivery : record.deliveries) {
        for (const WrittenFile& file : delivery.files)
          known_in(delivery).insert(file.fingerprints.begin(), file.fingerprints.end());
      }
    }
  }

  void mend(const ContainerRecord& record, DeliveryRecord& delivery) {
    if (!is_running(record.process)) return;
    saved_ = record;
    auto done = deliver(record, delivery);
    if (done) {
      note_delivered(delivery, share_);
    } else if (!is_running(record.process)) {
      return;  // left to the sweep
    } else if (note_failed(delivery, done.error())) {
      failures_.push_back(std::move(done).error());
    }
    (void)save_if_changed(record);
  }
  std::vector<Error> take_failures() && { return std::move(failures_); }

 private:
  // What all records know of its directory.
  Fingerprints& known_in(const DeliveryRecord& delivery) {
    return known_[{delivery.directory.device, delivery.directory.inode}];
  }

  Result<void> deliver(const ContainerRecord& record, DeliveryRecord& delivery) {
    plan_delivery(delivery, share_);
    TRY(save_if_changed(record));
    const std::string shown = fmt::format("container {}: {}", record.id, delivery.target);
    const auto directory = WrittenDirectory::open(delivery, record.process, shown);
    if (!directory) return Error(directory.error()).in(shown);
    return directory->deliver(share_, {login_, known_in(delivery)});
  }
  Result<void> save_if_changed(const ContainerRecord& record) {
    if (record == saved_) return {};
    saved_ = record;
    return ledger_.replace(record.name, record);
  }

  const ContainerLedger& ledger_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, Fingerprints> known_;
  const Share& share_;
  const FileStamp& login_;
  ContainerRecord saved_;
  std::vector<Error> failures_;
};

SteadyTime ledger_deadline() {
  return std::chrono::steady_clock::now() + wait_for_ledger;
}

std::string holders(const ContainerLedger& ledger, const std::string& profile) {
  std::string ids;
  const auto listing = ledger.list();
  if (!listing) return ids;
  for (const ContainerRecord& record : listing->records) {
    const bool holds = std::ranges::count(record.deliveries, profile, &DeliveryRecord::profile) > 0;
    if (holds && is_running(record.process)) ids += (ids.empty() ? "" : ", ") + record.id;
  }
  return ids;
}

// Adds what it does to `sweep`. `all`: the records with written directories.
void sweep_all(const RuntimeDir& runtime, const std::vector<ContainerRecord>& records,
               const std::vector<ContainerRecord>& all, Sweep& sweep) {
  for (const ContainerRecord& record : records) {
    if (is_running(record.process)) continue;
    if (auto done = forget_container(runtime, record, all); done) {
      ++sweep.swept;
    } else {
      sweep.failures.push_back(std::move(done).error());
    }
  }
}

// The records stay, so that the next token is delivered there again.
Result<void> clean_directories(const RuntimeDir& runtime, const std::string& profile) {
  const ContainerLedger ledger(runtime.fd());
  if (!ledger.has_written()) return {};
  const auto lock = TRY(ledger.lock(ledger_deadline()));
  const auto listing = TRY(ledger.list_written());
  const auto published = TRY(runtime.published(profile));
  const FileStamp login = published ? published->login : FileStamp{};
  Result<void> worst;
  for (const ContainerRecord& record : listing.records) {
    for (const DeliveryRecord& delivery : record.deliveries) {
      if (!is_written(delivery, profile)) continue;
      const std::string shown = fmt::format("container {}: {}", record.id, delivery.target);
      const auto directory = WrittenDirectory::open(delivery, record.process, shown);
      auto done = directory ? directory->clean({login, known_fingerprints(listing.records, delivery)})
                            : Result<void>(Error(directory.error()).in(shown));
      if (!done && done.error().kind != ErrorKind::not_found) worst = std::move(done);
    }
  }
  return worst;
}

}  // namespace

std::vector<Error> deliver_to_containers(const RuntimeDir& runtime, const std::string& profile, int share,
                                         const FileStamp& login) {
  const ContainerLedger ledger(runtime.fd());
  if (!ledger.has_written()) return {};
  const auto lock = ledger.lock(ledger_deadline());
  if (!lock) return {lock.error()};
  auto listing = ledger.list_written();
  if (!listing) return {listing.error()};
  const auto files = files_of(listing->records, profile);
  if (files.empty()) return {};
  const auto content = read_share(share, files);
  if (!content) return {content.error()};
  Mending mending(ledger, listing->records, *content, login);
  for (ContainerRecord& record : listing->records) {
    for (DeliveryRecord& delivery : record.deliveries) {
      if (is_written(delivery, profile)) mending.mend(record, delivery);
    }
  }
  return std::move(mending).take_failures();
}

Sweep sweep_records(const RuntimeDir& runtime) {
  Sweep sweep;
  const ContainerLedger ledger(runtime.fd());
  const auto lock = ledger.lock(ledger_deadline());
  const auto written = lock ? ledger.list_written() : Result<ContainerLedger::Listing>(lock.error());
  if (!written) {
    sweep.failures.push_back(written.error());
    return sweep;
  }
  const std::vector<ContainerRecord>& all = written->records;
  sweep_all(runtime, all, all, sweep);
  size_t before = 0;
  do {
    before = sweep.swept;
    auto turn = ledger.next_in_turn(most_per_turn, now());
    if (!turn) {
      sweep.failures.push_back(std::move(turn).error());
      return sweep;
    }
    sweep.failures.insert(sweep.failures.end(), turn->unreadable.begin(), turn->unreadable.end());
    std::erase_if(turn->records, [&](const ContainerRecord& record) {
      return has_written_directory(record) && std::ranges::find(all, record) != all.end();
    });
    sweep_all(runtime, turn->records, all, sweep);
  } while (sweep.swept - before >= most_per_turn / 2);
  return sweep;
}

Result<bool> withdraw_profile(const RuntimeDir& runtime, const std::string& profile) {
  auto cleaned = clean_directories(runtime, profile);
  auto was_there = TRY(runtime.withdraw(profile));
  TRY(std::move(cleaned));
  return was_there;
}

std::vector<Error> retire_profiles(const RuntimeDir& runtime, const Config& config) {
  std::vector<Error> told;
  for (const std::string& name : runtime.profiles_of(config.path)) {
    if (config.find(name) != nullptr) continue;
    const auto lock = runtime.lock(name, SteadyTime{});
    const auto withdrawn = lock ? withdraw_profile(runtime, name) : Result<bool>(lock.error());
    if (!withdrawn) told.push_back(Error(withdrawn.error()).in(fmt::format("profile '{}'", name)));
    if (!withdrawn || !*withdrawn) continue;
    const std::string ids = holders(ContainerLedger(runtime.fd()), name);
    told.push_back({ErrorKind::failed,
                    fmt::format("profile '{}': was removed from {}, so its token is withdrawn{}{}", name,
                                config.path, ids.empty() ? "" : " from container ", ids),
                    ids.empty() ? "" : "add the profile again, or recreate the container with another one"});
  }
  return told;
}

}  // namespace oci_oauth
