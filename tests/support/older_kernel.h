// SPDX-License-Identifier: Apache-2.0
// Stands in for a kernel, or a sandbox, without a system call: without statmount(2), Linux 6.8, for one.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <iterator>

namespace oci_oauth {

// What is asked: statmount(2) where the kernel has it, or the mountinfo of an older one.
enum class Kernel { todays, without_statmount };

// In a child only.
inline void forget_call(unsigned number) {
  sock_filter program[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                           BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog filter = {std::size(program), program};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
    ::abort();
}
inline void forget_statmount() {
  forget_call(457);
}

}  // namespace oci_oauth
