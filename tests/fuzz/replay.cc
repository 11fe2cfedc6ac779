// SPDX-License-Identifier: Apache-2.0
// Runs every target over its corpus, and over seeded mutations of each entry: what every test run does, under
// the sanitizers too. The same run finds the same; `./dev fuzz` is the search for what is new.
//
// usage: fuzz-replay CORPUS [MUTATIONS_PER_TARGET]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "fuzz/targets.h"

namespace fs = std::filesystem;
using namespace oci_oauth::fuzz;

namespace {

constexpr int default_mutations = 3000;
constexpr std::size_t longest_input = 64 * 1024;

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> corpus_of(const fs::path& directory) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(directory)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> inputs;
  std::transform(paths.begin(), paths.end(), std::back_inserter(inputs), read);
  return inputs;
}

class Mutator {
 public:
  explicit Mutator(const std::vector<std::string>& corpus) : corpus_(corpus) {}

  std::string next() {
    std::string input = pick(corpus_);
    for (std::size_t changes = 1 + below(4); changes > 0; --changes) change(input);
    input.resize(std::min(input.size(), longest_input));
    return input;
  }

 private:
  std::size_t below(std::size_t bound) { return random_() % bound; }
  const std::string& pick(const std::vector<std::string>& from) { return from[below(from.size())]; }

  void change(std::string& input) {
    static const std::vector<std::string> words = {"{",
                                                   "}",
                                                   "[",
                                                   "]",
                                                   "\"",
                                                   "null",
                                                   "-1",
                                                   "1e999",
                                                   "18446744073709551615",
                                                   "\\u0000",
                                                   "\xff",
                                                   "/..",
                                                   "\"refreshToken\":\"r\",",
                                                   ",",
                                                   "{\"a\":"};
    const std::size_t at = below(input.size() + 1);
    const std::size_t length = std::min(input.size() - at, 1 + below(16));
    switch (below(5)) {
      case 0:
        if (at < input.size()) input[at] = static_cast<char>(random_());
        return;
      case 1:
        input.erase(at, length);
        return;
      case 2:
        input.insert(at, pick(words));
        return;
      case 3:
        input.insert(at, input.substr(at, length));
        return;
      default:
        const std::string& other = pick(corpus_);
        const std::size_t from = below(other.size() + 1);
        input.replace(at, length, other.substr(from, 1 + below(64)));
    }
  }

  const std::vector<std::string>& corpus_;
  std::mt19937 random_;  // its default seed: the same inputs in every run
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const int mutations = argc > 2 ? std::atoi(argv[2]) : default_mutations;
  for (const Target& target : targets()) {
    const std::string name(target.name);
    const std::vector<std::string> corpus = corpus_of(fs::path(argv[1]) / name);
    if (corpus.empty()) {
      std::fprintf(stderr, "fuzz-replay: error: %s: no corpus\n", name.c_str());
      return 1;
    }
    for (const std::string& input : corpus) target.run(input);
    Mutator mutator(corpus);
    for (int i = 0; i < mutations; ++i) target.run(mutator.next());
    std::printf("%-12s %zu entries, %d mutations\n", name.c_str(), corpus.size(), mutations);
  }
  return 0;
}
