// SPDX-License-Identifier: Apache-2.0
#include "delivery/written_directory.h"

#include <algorithm>

#include "base/file.h"
#include "base/fingerprint.h"
#include "base/fmt.h"
#include "oci/container_process.h"
#include "oci/container_root.h"

namespace oci_oauth {

namespace {

constexpr int attempts = 3;  // in a directory that somebody else is writing to
constexpr int most_parents = 64;
constexpr const char* another_target =
    "set the profile's \"target\" to a separate directory, for example /run/secrets/claude";

// Result: `source` as O_PATH. Failure: not_found if it is gone, or another directory has its name.
Result<UniqueFd> open_same_directory(const std::string& source, const FileId& id) {
  auto directory = TRY(open_file({.path = source}, O_PATH | O_DIRECTORY));
  if (file_id(directory.get()) == id) return directory;
  return Error{ErrorKind::not_found,
               fmt::format("{}: is not the container's directory, so it is left alone", source),
               "restart the container"};
}

// As the running container sees it.
Result<UniqueFd> open_inside(const DeliveryRecord& delivery, const ProcessId& container) {
  const WatchedProcess watched(container);
  const auto process = TRY(ContainerProcess::open(container.pid));
  const auto root = TRY(ContainerRoot::open(process, "/"));
  auto inside = TRY(root.open_directory(delivery.target));
  if (file_id(inside.get()) == delivery.directory && watched.is_running()) return inside;
  return Error{ErrorKind::not_found, delivery.target + ": is a different directory in the container"};
}

bool is_same_directory(const DeliveryRecord& a, const DeliveryRecord& b) {
  return a.kind == DeliveryKind::write && b.kind == DeliveryKind::write && a.directory == b.directory;
}

// Whether a running container in `records`, other than that of `record`, also has the written directory of
// `delivery`.
bool is_shared(const std::vector<ContainerRecord>& records, const ContainerRecord& record,
               const DeliveryRecord& delivery) {
  return std::ranges::any_of(records, [&](const ContainerRecord& other) {
    const bool is_another = other.id != record.id || other.process != record.process;
    return is_another && is_running(other.process) &&
           std::ranges::any_of(other.deliveries,
                               [&](const DeliveryRecord& its) { return is_same_directory(its, delivery); });
  });
}

Result<void> clean(const RuntimeDir& runtime, const ContainerRecord& record, const DeliveryRecord& delivery,
                   const std::vector<ContainerRecord>& all) {
  const std::string shown = fmt::format("container {}: {}", record.id, delivery.source);
  const auto directory = WrittenDirectory::open(delivery, record.process, shown);
  if (!directory && directory.error().kind == ErrorKind::not_found) return {};
  if (!directory) return directory.error();
  const auto published = runtime.published(delivery.profile);
  const FileStamp login = published && *published ? (*published)->login : FileStamp{};
  return directory->clean({login, known_fingerprints(all, delivery)});
}

std::string hint_for(const ExaminedFile& there) {
  if (there.foreign.starts_with("is a"))
    return "remove it, or set the profile's \"target\" to another directory";
  return another_target;
}

}  // namespace

// A delivered name, what it contains, and what it should contain.
struct WrittenDirectory::Step {
  const WrittenFile* file;
  const Secret* wanted;  // nullptr: nothing is published
  std::string mark;      // of `wanted`: Share::fingerprint()
  ExaminedFile there;
  Judgement judgement;

  bool is_foreign() const { return there.exists && judgement.content == Content::foreign; }
  bool is_current() const { return there.exists && judgement.content == Content::current; }
};

Fingerprints known_fingerprints(const std::vector<ContainerRecord>& records, const DeliveryRecord& delivery) {
  Fingerprints known;
  const auto add = [&](const DeliveryRecord& one) {
    for (const WrittenFile& file : one.files)
      known.insert(file.fingerprints.begin(), file.fingerprints.end());
  };
  add(delivery);
  for (const ContainerRecord& record : records) {
    for (const DeliveryRecord& other : record.deliveries) {
      if (is_same_directory(other, delivery)) add(other);
    }
  }
  return known;
}

bool is_open_to_others(int directory) {
  UniqueFd here(::openat(directory, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; here && i < most_parents; ++i) {
    struct stat status;
    if (::fstat(here.get(), &status) != 0 || (status.st_mode & S_IXOTH) == 0) return false;
    UniqueFd parent(::openat(here.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!parent) return false;
    if (file_id(parent.get()) == FileId::of(status)) return true;
    here = std::move(parent);
  }
  return false;
}

WrittenDirectory::WrittenDirectory(UniqueFd directory, const DeliveryRecord& delivery,
                                   const ProcessId& container, std::string shown)
    : directory_(std::move(directory)),
      delivery_(&delivery),
      container_(container),
      shown_(std::move(shown)) {}

Result<WrittenDirectory> WrittenDirectory::open(const DeliveryRecord& delivery, const ProcessId& container,
                                                const std::string& shown) {
  auto directory = open_same_directory(delivery.source, delivery.directory);
  if (!directory || is_read_only(directory->get())) {
    auto other = open_inside(delivery, container);
    // Our sandbox makes it read-only.
    if (!other && directory)
      other = open_same_directory("/proc/1/root" + delivery.source, delivery.directory);
    if (other) directory = std::move(other);
  }
  return WrittenDirectory(TRY(std::move(directory)), delivery, container, shown);
}

Result<void> WrittenDirectory::inside(const auto& action) const {
  return in_user_namespace(container_.pid, delivery_->user_namespace, action);
}

bool WrittenDirectory::is_share(const Share& share) const {
  return delivery_->directory == share.directory;
}

std::vector<WrittenDirectory::Step> WrittenDirectory::examine(const Share* share,
                                                              const Knowledge& knowledge) const {
  Fingerprints known = knowledge.known;
  std::vector<Step> steps;
  for (const WrittenFile& file : delivery_->files) {
    Step step = {&file, nullptr, "", {}, {}};
    if (share != nullptr) {
      step.mark = share->fingerprint(file);
      // One of several logins in a document may have ended.
      const bool is_of_several = std::ranges::count(delivery_->files, file.name, &WrittenFile::name) > 1;
      if (!is_of_several || !step.mark.empty()) step.wanted = share->find(file.name);
    }
    step.there = examine_file({directory_.get(), file.name}, knowledge.login);
    if (!step.there.foreign.empty()) {
      step.judgement.why = step.there.foreign;
    } else if (step.there.exists) {
      if (!step.there.mark.empty()) known.insert(step.there.mark);
      step.judgement = judge(step.there.text.reveal(), file, step.wanted, known);
      // The token in a file of ours identifies a document beside it as ours.
      const bool is_ours =
          step.judgement.content == Content::ours || step.judgement.content == Content::current;
      if (is_ours && file.member.empty()) known.insert(fingerprint(step.there.text));
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

Result<void> WrittenDirectory::refuse_foreign(const std::vector<Step>& steps) const {
  for (const Step& step : steps) {
    if (!step.is_foreign()) continue;
    return Error{ErrorKind::failed,
                 fmt::format("{}/{}: {}, so it is left alone", shown_, step.file->name, step.judgement.why),
                 hint_for(step.there)};
  }
  return {};
}

// Whether another login has its member in the same document.
bool WrittenDirectory::comes_again(const std::vector<Step>& steps, size_t index) {
  const auto has_name = [&](const Step& step) { return step.file->name == steps[index].file->name; };
  return std::any_of(steps.begin() + static_cast<std::ptrdiff_t>(index) + 1, steps.end(), has_name);
}

Result<void> WrittenDirectory::look(const Share& share, const Knowledge& knowledge) const {
  if (is_share(share)) return {};
  return inside([&]() -> Result<void> {
    const std::vector<Step> steps = examine(&share, knowledge);
    TRY(refuse_foreign(steps));
    for (const Step& step : steps) {
      if (step.wanted == nullptr || step.is_current()) continue;
      const bool is_lacking = !step.there.exists || step.judgement.content == Content::blank;
      return Error{ErrorKind::not_found,
                   fmt::format("{} {}", step.file->name,
                               is_lacking ? "is missing or empty" : "contains an older token")};
    }
    return {};
  });
}

Result<void> WrittenDirectory::deliver(const Share& share, const Knowledge& knowledge) const {
  // A person bind-mounted it under another path than the configured one, for example through a symbolic link.
  if (is_share(share)) return {};
  return inside([&]() -> Result<void> {
    clean_temporaries(knowledge, Spare::only);
    Result<void> done;
    for (int attempt = 0; attempt < attempts; ++attempt) {
      done = deliver_once(share, knowledge);
      if (done || done.error().kind != ErrorKind::temporary) break;
    }
    return done;
  });
}

Result<void> WrittenDirectory::deliver_once(const Share& share, const Knowledge& knowledge) const {
  std::vector<Step> steps = examine(&share, knowledge);
  TRY(refuse_foreign(steps));
  for (size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].wanted == nullptr || steps[i].is_current()) continue;
    TRY(write(steps[i]));
    if (comes_again(steps, i)) steps = examine(&share, knowledge);
  }
  return {};
}

Result<void> WrittenDirectory::replace(const Step& step, const Secret& text, const FileAccess& access,
                                       const std::string& mark) const {
  return replace_examined({directory_.get(), step.file->name}, step.there,
                          {text, access, delivery_->label, mark}, shown_);
}

Result<void> WrittenDirectory::write(const Step& step) const {
  if (!step.there.exists || !step.judgement.has_others)
    return replace(step, *step.wanted, {delivery_->owner, delivery_->mode}, step.mark);
  const auto merged = with_member(step.there.text.reveal(), *step.file, *step.wanted);
  if (!merged) return Error(merged.error()).in(shown_);
  return replace(step, *merged, step.there.access, step.mark);
}

Result<void> WrittenDirectory::clean(const Knowledge& knowledge) const {
  const auto action = [&]() -> Result<void> {
    clean_temporaries(knowledge, Spare::and_others);
    auto done = clean_names(knowledge);
    // A file of ours that was set aside had a name that is free now.
    clean_temporaries(knowledge, Spare::and_others);
    return done;
  };
  // The user namespace may have no process left; the directory's owner can usually do without it.
  if (!is_running(container_) && action()) return {};
  return inside(action);
}

Result<void> WrittenDirectory::clean_names(const Knowledge& knowledge) const {
  Result<void> first;
  std::vector<Step> steps = examine(nullptr, knowledge);
  for (size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    if (!step.there.exists) continue;
    Result<void> done;
    if (!step.there.unreadable.empty()) {
      done = Error{ErrorKind::failed, fmt::format("{}/{}", shown_, step.there.unreadable)};
    } else if (!step.is_foreign()) {
      done = take_out(step);
    }
    if (!done && first) first = std::move(done);
    if (comes_again(steps, i)) steps = examine(nullptr, knowledge);
  }
  return first;
}

Result<void> WrittenDirectory::take_out(const Step& step) const {
  const WrittenFile& file = *step.file;
  const bool is_blank = step.judgement.content == Content::blank;
  if (!step.judgement.has_others && !file.was_there)
    return remove_examined({directory_.get(), file.name}, step.there, shown_);
  if (file.member.empty()) return is_blank ? Result<void>() : replace(step, Secret(), step.there.access, "");
  const auto rest = without_member(step.there.text.reveal(), file);
  if (!rest) return is_blank ? Result<void>() : Result<void>(Error(rest.error()).in(shown_));
  if (rest->reveal() == step.there.text.reveal()) return {};
  return replace(step, *rest, step.there.access, "");
}

// What a writer set aside, or has not renamed yet, is also in its place.
bool WrittenDirectory::is_spare(const std::string& temporary, const WrittenFile& file,
                                const Knowledge& knowledge) const {
  const ExaminedFile there = examine_file({directory_.get(), temporary}, knowledge.login);
  if (!there.exists || !there.foreign.empty()) return false;
  Fingerprints known = knowledge.known;
  if (!there.mark.empty()) known.insert(there.mark);
  const Judgement judgement = judge(there.text.reveal(), file, nullptr, known);
  if (judgement.content == Content::foreign) return false;
  if (!judgement.has_others) return true;
  const ExaminedFile final_file = examine_file({directory_.get(), file.name}, knowledge.login);
  if (!final_file.exists || !final_file.foreign.empty()) return false;
  const auto others = without_member(there.text.reveal(), file);
  const auto others_there = without_member(final_file.text.reveal(), file);
  if (!others || !others_there) return false;
  const auto before = parse_json(others->reveal(), ""), after = parse_json(others_there->reveal(), "");
  return before && after && *before == *after;
}

// Files of others get their names back, except while tokens are written, because a planted one could take a
// token's place.
void WrittenDirectory::clean_temporaries(const Knowledge& knowledge, Spare which) const {
  const auto all = names_in({directory_.get(), "."});
  if (!all) return;
  for (const std::string& temporary : *all) {
    const std::string name = name_of_temporary(temporary);
    const auto file = std::ranges::find(delivery_->files, name, &WrittenFile::name);
    struct stat status;
    if (file == delivery_->files.end() ||
        ::fstatat(directory_.get(), temporary.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(status.st_mode))
      continue;
    if (is_spare(temporary, *file, knowledge)) {
      ::unlinkat(directory_.get(), temporary.c_str(), 0);
    } else if (which == Spare::and_others) {
      (void)restore(directory_.get(), temporary, name);
    }
  }
}

std::vector<WrittenFile> WrittenDirectory::files_as_found(const Knowledge& knowledge) const {
  std::vector<WrittenFile> files = delivery_->files;
  for (const Step& step : examine(nullptr, knowledge)) {
    const bool is_ours = step.judgement.content == Content::ours && !step.judgement.has_others;
    for (WrittenFile& file : files) {
      if (file.name == step.file->name) file.was_there = step.there.exists && !is_ours;
    }
  }
  return files;
}

Result<void> forget_container(const RuntimeDir& runtime, const ContainerRecord& record,
                              const std::vector<ContainerRecord>& all) {
  for (const DeliveryRecord& delivery : record.deliveries) {
    if (delivery.kind != DeliveryKind::write || is_shared(all, record, delivery)) continue;
    TRY(clean(runtime, record, delivery, all));
  }
  ContainerLedger(runtime.fd()).remove(record.name);
  return {};
}

}  // namespace oci_oauth
