// SPDX-License-Identifier: Apache-2.0
#include "key_tables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <initializer_list>
#include <span>
#include <vector>

#include "config/keys.h"
#include "manual.h"

namespace oci_oauth {

namespace {

// Each sentence begins a line, and no line is taken for a macro.
std::string sentences(std::string_view text) {
  std::string lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find(". "), text.size());
    const std::string_view sentence = text.substr(0, std::min(end + 1, text.size()));
    if (sentence.starts_with('.') || sentence.starts_with('\'')) lines += "\\&";
    lines += fmt::format("{}\n", sentence);
    text.remove_prefix(std::min(end + 2, text.size()));
  }
  return lines;
}

class TableKeys {
 public:
  using Help = std::string_view;

  template <class T>
  static std::string of(T object = {}) {
    TableKeys keys;
    keys_of(keys, object);
    return fmt::format("{}.Bl -tag -width Ds\n{}.El\n", keys.relations_, keys.rows_);
  }

  template <class Rule>
  void operator()(Key key, auto& member, Rule rule, Help help) {
    add(key, value_of(member, rule), help, default_of(member));
  }
  template <class T>
  void operator()(Key key, T& member, Help help) {
    add(key, value_of(member), help, default_of(member));
  }
  void operator()(Key key, Milliseconds& member, Bounds bounds, Help help) {
    std::string text(help);
    if (bounds.most != Bounds().most) text += fmt::format(" At most {}.", duration_text(bounds.most));
    add(key, "Ar duration", text, duration_text(member));
  }
  void operator()(Key key, mode_t& member, Mode, Help help) {
    add(key, "Ar mode", help, fmt::format("{:04o}", member));
  }
  template <Worded Enum>
  void operator()(Key key, Enum& member, std::initializer_list<Help> helps, Help help) {
    const auto words = words_of(member);
    const auto known = std::span(words).first(helps.size());
    std::string text(help);
    for (size_t i = 0; i < helps.size(); ++i) {
      const Help meaning = helps.begin()[i];
      if (!meaning.empty()) text += fmt::format(" {}: {}.", known[i], meaning);
    }
    add(key, fmt::format("Cm {}", fmt::join(known, " | ")), text, word(member));
  }
  void one_of(std::string_view a, std::string_view b, std::string_view neither = "") {
    relations_ += fmt::format("Exactly one of {} and {} is given{}.\n", a, b,
                              neither.empty() ? "" : fmt::format(", or {} alone", neither));
  }
  void not_both(std::string_view a, std::string_view b) {
    relations_ += fmt::format("At most one of {} and {} is given.\n", a, b);
  }
  void needs(std::string_view key, std::initializer_list<std::string_view> others) {
    relations_ += fmt::format("Whoever gives {} also gives {}.\n", key, fmt::join(others, ", "));
  }

 private:
  template <class Rule>
  static std::string value_of(const std::string&, Rule) {
    return fmt::format("Ar {}", Rule::type);
  }
  template <class Rule>
  static std::string value_of(const std::vector<std::string>&, Rule) {
    return fmt::format("Ar {} ...", Rule::type);
  }
  template <class Rule>
  static std::string value_of(const std::vector<std::string>&, OneOrMore<Rule>) {
    return fmt::format("Ar {} | {} ...", Rule::type, Rule::type);
  }
  template <class Name, class Value>
  static std::string value_of(const Pairs&, PairsOf<Name, Value>) {
    return fmt::format("Ar {} : {} ...", Name::type, Value::type);
  }
  static std::string value_of(const std::vector<std::string>&, Command) { return "Ar path argument ..."; }
  template <class T>
  static std::string value_of(const std::vector<T>&, ByName) {
    return "Ar name : object ...";
  }
  template <class T>
  static std::string value_of(const std::vector<T>&) {
    return "Ar object ...";
  }
  static std::string value_of(bool) { return "Cm true | false"; }
  static std::string value_of(const auto&) { return "Ar object"; }

  static std::string default_of(const std::vector<std::string>& texts) {
    return fmt::format("{}", fmt::join(texts, ", "));
  }
  static std::string default_of(bool flag) { return flag ? "true" : "false"; }
  static std::string default_of(const auto&) { return ""; }

  void add(Key key, std::string_view value, std::string_view help, std::string_view otherwise = "") {
    rows_ += fmt::format(".It Cm {} {}\n{}", key.name, value, sentences(help));
    if (key.is_required) rows_ += "Mandatory.\n";
    if (!otherwise.empty()) rows_ += fmt::format("Default: {}.\n", otherwise);
  }

  std::string rows_, relations_;
};

std::string table(std::string_view object) {
  if (object == "config") return TableKeys::of<Config>();
  if (object == "profile") return TableKeys::of<Profile>();
  if (object == "fleet") return TableKeys::of<FleetConfig>();
  if (object == "kubernetes") return TableKeys::of<KubernetesConfig>();
  if (object == "source") return TableKeys::of<ExecSource>();
  if (object == "sink") return TableKeys::of<Sink>();
  if (object == "onecli") return TableKeys::of<OneCliSink>();
  if (object == "provider") return TableKeys::of<Provider>();
  if (object == "login") return TableKeys::of<LoginPlace>();
  if (object == "credentials") return TableKeys::of<CredentialFields>();
  if (object == "deliver") return TableKeys::of<DeliveredFile>();
  if (object == "lock") return TableKeys::of<ProviderLock>();
  if (object == "api") return TableKeys::of<Api>();
  return fmt::format(".\\\" no object {}\n", object);
}

}  // namespace

std::string config_manual_page(std::string_view source) {
  constexpr std::string_view keys = "@KEYS ";
  return with_lines_replaced(source, [&](std::string_view line) {
    if (!line.starts_with(keys) || !line.ends_with('@')) return fmt::format("{}\n", line);
    return table(line.substr(keys.size(), line.size() - keys.size() - 1));
  });
}

}  // namespace oci_oauth
