// SPDX-License-Identifier: Apache-2.0
// A hook that does nothing but what every hook has to: it reads its stdin, without which runtimes get
// SIGPIPE.
#include <unistd.h>

int main() {
  char buffer[4096];
  while (::read(STDIN_FILENO, buffer, sizeof buffer) > 0) {
  }
}
