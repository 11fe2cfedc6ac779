// SPDX-License-Identifier: Apache-2.0
#include "wrapper/runtime_call.h"

#include <cerrno>
#include <span>
#include <utility>

#include "base/fmt.h"
#include "base/json.h"
#include "base/path.h"
#include "oci/spec.h"

namespace oci_oauth {

namespace {

struct Option {
  std::string_view name;
  char letter = 0;  // 0: none
  bool takes_value;

  // "NAME" or "NAME|LETTER", and "=" if it takes a value.
  constexpr Option(const char* text) : name(text), takes_value(name.ends_with('=')) {
    if (takes_value) name.remove_suffix(1);
    const size_t bar = name.find('|');
    if (bar == name.npos) return;
    letter = name.back();
    name = name.substr(0, bar);
  }
};

// One that takes no value is listed only if it has a letter that others may follow; all else is skipped.
constexpr Option global_options[] = {
    "log=", "log-format=", "log-level=", "root=", "rootless=", "criu=", "cgroup-manager="};
constexpr Option create_options[] = {
    "bundle|b=", "config|f=", "console-socket=", "pid-file=", "preserve-fds=", "detach|d"};
constexpr Option restore_options[] = {
    "bundle|b=",    "console-socket=",      "empty-ns=", "image-path=", "lsm-mount-context=",
    "lsm-profile=", "manage-cgroups-mode=", "pid-file=", "work-path=",  "detach|d"};
constexpr Option exec_options[] = {"process|p=",     "additional-gids|g=",
                                   "apparmor=",      "cap|c=",
                                   "cgroup=",        "console-socket=",
                                   "cwd=",           "env|e=",
                                   "pid-file=",      "preserve-fds=",
                                   "process-label=", "user|u=",
                                   "detach|d",       "tty|t"};

// The options that count here.
constexpr std::pair<std::string_view, std::string RuntimeCall::*> kept[] = {
    {"log", &RuntimeCall::log},         {"log-format", &RuntimeCall::log_format},
    {"bundle", &RuntimeCall::bundle},   {"config", &RuntimeCall::config},
    {"process", &RuntimeCall::process},
};

using Options = std::span<const Option>;

const Option* find_exact(Options options, std::string_view name) {
  for (const Option& option : options) {
    if (option.name == name || (name.size() == 1 && option.letter == name[0])) return &option;
  }
  return nullptr;
}

// getopt_long(3) accepts abbreviations. An ambiguous one is for the runtime to reject.
const Option* find_beginning(Options options, std::string_view name) {
  for (const Option& option : options) {
    if (option.name.starts_with(name)) return &option;
  }
  return nullptr;
}

class Reader {
 public:
  explicit Reader(const std::vector<std::string_view>& words) : words_(words) {}

  RuntimeCall read() {
    call_.verb = read_options(global_options, Operands::end);
    // runc also accepts options after the container's name; crun rejects them. What follows the name in an
    // exec belongs to the container.
    if (call_.verb == "exec") {
      call_.container = read_options(exec_options, Operands::end);
    } else if (call_.creates()) {
      const Options options = call_.verb == "restore" ? Options(restore_options) : create_options;
      call_.container = read_options(options, Operands::pass);
    }
    if (call_.bundle.empty()) call_.bundle = ".";
    return std::move(call_);
  }

 private:
  enum class Operands { end, pass };

  // Result: the first operand, or nothing; parsing stops there or continues after it.
  std::string_view read_options(Options options, Operands operands) {
    std::string_view first;
    bool options_ended = false;
    while (next_ < words_.size()) {
      const std::string_view word = words_[next_++];
      if (options_ended || word.size() < 2 || !word.starts_with('-')) {
        if (first.empty()) first = word;
        if (operands == Operands::end) break;
      } else if (word == "--") {
        options_ended = true;
      } else {
        read_option(options, word);
      }
    }
    return first;
  }

  void read_option(Options options, std::string_view word) {
    const bool two_dashes = word.starts_with("--");
    const std::string_view body = word.substr(two_dashes ? 2 : 1);
    const size_t equals = body.find('=');
    const std::string_view name = body.substr(0, equals);
    const Option* option = find_exact(options, name);
    if (option == nullptr && two_dashes) option = find_beginning(options, name);
    if (option == nullptr && !two_dashes) return read_letters(options, body);
    if (option == nullptr || !option->takes_value) return;
    keep(option->name, equals == std::string_view::npos ? next_word() : body.substr(equals + 1));
  }

  // getopt(3): letters of options without values, then perhaps one with a value, which is the rest or the
  // next word.
  void read_letters(Options options, std::string_view letters) {
    while (!letters.empty()) {
      const Option* option = find_exact(options, letters.substr(0, 1));
      letters.remove_prefix(1);
      if (option == nullptr) return;
      if (!option->takes_value) continue;
      return keep(option->name, letters.empty() ? next_word() : letters);
    }
  }

  std::string_view next_word() { return next_ < words_.size() ? words_[next_++] : std::string_view(); }

  void keep(std::string_view option, std::string_view value) {
    for (const auto& [name, member] : kept) {
      if (name == option) call_.*member = value;
    }
  }

  const std::vector<std::string_view>& words_;
  size_t next_ = 0;
  RuntimeCall call_;
};

}  // namespace

RuntimeCall parse_runtime_call(const std::vector<std::string_view>& words) {
  return Reader(words).read();
}

Result<RuntimeFile> RuntimeFile::open(const std::string& path) {
  RuntimeFile file;
  file.path_ = path;
  file.directory_ = TRY(open_file({.path = parent_directory(path)}, O_PATH | O_DIRECTORY));
  const auto opened = TRY(open_file({file.directory_.get(), base_name(path), path}, O_RDONLY | O_NOFOLLOW));
  struct stat status;
  if (::fstat(opened.get(), &status) != 0) return Error::from_errno(errno, path);
  file.mode_ = status.st_mode & 07777;
  file.owner_ = {status.st_uid, status.st_gid};
  file.text_ = TRY(read_file(opened.get(), spec_limit, path));
  return file;
}

Result<void> RuntimeFile::replace(std::string_view text) const {
  return replace_file(directory_.get(), base_name(path_), parent_directory(path_), text,
                      {.mode = mode_, .owner = owner_});
}

std::string engine_log_line(const RuntimeCall& call, std::string_view message, Time time) {
  if (call.log_format != "json")
    return fmt::format("time=\"{}\" level=error msg={}\n", rfc3339(time), json_quoted(message));
  const JsonValue line = json_object({{"level", "error"}, {"msg", message}, {"time", rfc3339(time)}});
  return fmt::format("{}\n", write_json(line).reveal());
}

void write_engine_log(const RuntimeCall& call, std::string_view message) {
  if (call.log.empty()) return;
  const auto file = open_file({.path = call.log}, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (file) (void)write_all(file->get(), engine_log_line(call, message, now()), call.log);
}

}  // namespace oci_oauth
