// SPDX-License-Identifier: Apache-2.0
#include "login/terminal.h"

#include "support/catch.h"

using namespace oci_oauth;

namespace {

// The picture's upper half lines: true where it is light.
std::vector<std::vector<bool>> rows_of(const std::string& picture) {
  std::vector<std::vector<bool>> rows;
  size_t at = 0;
  while ((at = picture.find('m', at)) != std::string::npos) {
    const size_t end = picture.find("\033[0m", at);
    rows.emplace_back();
    rows.emplace_back();
    for (std::string_view left = std::string_view(picture).substr(at + 1, end - at - 1); !left.empty();) {
      const size_t size = left.front() == ' ' ? 1 : 3;
      const std::string_view block = left.substr(0, size);
      rows[rows.size() - 2].push_back(block == "\u2588" || block == "\u2580");
      rows[rows.size() - 1].push_back(block == "\u2588" || block == "\u2584");
      left.remove_prefix(size);
    }
    at = picture.find('\n', end);
  }
  return rows;
}

}  // namespace

TEST_CASE("a QR code has three finder patterns in a quiet zone") {
  const auto rows = rows_of(qr_code("https://example.com/device?user_code=WDJB-MJHT", 80));
  REQUIRE(rows.size() >= 29);
  const size_t width = rows[0].size();
  CHECK((width - 8 - 17) % 4 == 0);
  for (size_t i = 0; i < width; ++i) CHECK((rows[0][i] && rows[3][i] && rows[i][0] && rows[i][width - 1]));
  // A dark ring of 7, a light one of 5, a dark square of 3.
  for (const auto& [top, left] :
       {std::pair{4UL, 4UL}, std::pair{4UL, width - 11}, std::pair{width - 11, 4UL}}) {
    for (size_t y = 0; y < 7; ++y) {
      for (size_t x = 0; x < 7; ++x) {
        const size_t ring = std::min({x, y, 6 - x, 6 - y});
        CHECK(rows[top + y][left + x] == (ring == 1));
      }
    }
  }
}

TEST_CASE("what is too long for a QR code, or for the terminal, has none") {
  CHECK(qr_code(std::string(5000, 'x'), 1000).empty());
  CHECK_FALSE(qr_code("x", 29).empty());
  CHECK(qr_code("x", 28).empty());
}
