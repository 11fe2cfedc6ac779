// SPDX-License-Identifier: Apache-2.0
#include "wrapper/runtime_call.h"

#include <optional>
#include <span>

namespace oci_oauth {

namespace {

enum class Takes { nothing, value };

struct Option {
  std::string_view name;
  char letter;  // 0: none
  Takes takes;
  std::string RuntimeCall::*target = nullptr;
};

// One that takes no value is listed only if it has a letter that others may follow; all else is skipped.
constexpr Option global_options[] = {
    {"log", 0, Takes::value, &RuntimeCall::log},
    {"log-format", 0, Takes::value},
    {"log-level", 0, Takes::value},
    {"root", 0, Takes::value},
    {"rootless", 0, Takes::value},
    {"criu", 0, Takes::value},
    {"cgroup-manager", 0, Takes::value},
};

constexpr Option create_options[] = {
    {"bundle", 'b', Takes::value, &RuntimeCall::bundle},
    {"config", 'f', Takes::value, &RuntimeCall::config},
    {"console-socket", 0, Takes::value},
    {"pid-file", 0, Takes::value},
    {"preserve-fds", 0, Takes::value},
    {"detach", 'd', Takes::nothing},
};

constexpr Option restore_options[] = {
    {"bundle", 'b', Takes::value, &RuntimeCall::bundle},
    {"console-socket", 0, Takes::value},
    {"empty-ns", 0, Takes::value},
    {"image-path", 0, Takes::value},
    {"lsm-mount-context", 0, Takes::value},
    {"lsm-profile", 0, Takes::value},
    {"manage-cgroups-mode", 0, Takes::value},
    {"pid-file", 0, Takes::value},
    {"work-path", 0, Takes::value},
    {"detach", 'd', Takes::nothing},
};

constexpr Option exec_options[] = {
    {"process", 'p', Takes::value, &RuntimeCall::process},
    {"additional-gids", 'g', Takes::value},
    {"apparmor", 0, Takes::value},
    {"cap", 'c', Takes::value},
    {"cgroup", 0, Takes::value},
    {"console-socket", 0, Takes::value},
    {"cwd", 0, Takes::value},
    {"env", 'e', Takes::value},
    {"pid-file", 0, Takes::value},
    {"preserve-fds", 0, Takes::value},
    {"process-label", 0, Takes::value},
    {"user", 'u', Takes::value},
    {"detach", 'd', Takes::nothing},
    {"tty", 't', Takes::nothing},
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
    const auto verb = read_options(global_options, Operands::end);
    if (!verb) return std::move(call_);
    call_.verb = *verb;
    call_.log_is_json = log_format_ == "json";
    // runc also accepts options after the container's name; crun rejects them. What follows the name in an
    // exec belongs to the container.
    std::optional<std::string_view> container;
    if (call_.verb == "restore") {
      container = read_options(restore_options, Operands::pass);
    } else if (call_.creates()) {
      container = read_options(create_options, Operands::pass);
    }
    if (call_.verb == "exec") container = read_options(exec_options, Operands::end);
    call_.container = container.value_or("");
    if (call_.bundle.empty()) call_.bundle = ".";
    return std::move(call_);
  }

 private:
  enum class Operands { end, pass };

  // Result: the first operand; parsing stops there or continues after it.
  std::optional<std::string_view> read_options(Options options, Operands operands) {
    std::optional<std::string_view> first;
    bool options_ended = false;
    while (next_ < words_.size()) {
      const std::string_view word = words_[next_++];
      const bool is_option = !options_ended && word.size() > 1 && word.starts_with('-');
      if (!is_option) {
        if (!first) first = word;
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
    if (option == nullptr || option->takes == Takes::nothing) return;
    keep(*option, equals == std::string_view::npos ? next_word() : body.substr(equals + 1));
  }

  // getopt(3): letters of options without values, then perhaps one with a value, which is the rest or the
  // next word.
  void read_letters(Options options, std::string_view letters) {
    while (!letters.empty()) {
      const Option* option = find_exact(options, letters.substr(0, 1));
      letters.remove_prefix(1);
      if (option == nullptr) return;
      if (option->takes == Takes::nothing) continue;
      return keep(*option, letters.empty() ? next_word() : letters);
    }
  }

  std::string_view next_word() { return next_ < words_.size() ? words_[next_++] : std::string_view(); }

  void keep(const Option& option, std::string_view value) {
    if (option.name == "log-format") log_format_ = value;
    if (option.target != nullptr) call_.*option.target = value;
  }

  const std::vector<std::string_view>& words_;
  size_t next_ = 0;
  RuntimeCall call_;
  std::string log_format_;
};

}  // namespace

RuntimeCall parse_runtime_call(const std::vector<std::string_view>& words) {
  return Reader(words).read();
}

}  // namespace oci_oauth
