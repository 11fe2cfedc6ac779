// SPDX-License-Identifier: Apache-2.0
// What the kernel charges for starting anything: the measure of the hook.
int main() {}
