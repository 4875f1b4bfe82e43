#!/usr/bin/env bash
# The attention kernels as NEON code, without a machine that has it: compiles the room and its tests for
# aarch64 and runs them under qemu. The emulator computes what the instructions are defined to compute;
# it says nothing about speed.
#
#   tools/test_neon.sh                                 every test but those that start themselves anew
#   tools/test_neon.sh '--gtest_filter=*ManyKeys*'     arguments go to every test program
#
# Needs ninja and Debian's g++-aarch64-linux-gnu and qemu-user. The arm64 libraries are fetched into
# build/neon with a package list of their own, so the system's set of architectures stays as it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build=build/neon
root=$build/root/usr
libraries=$root/lib/aarch64-linux-gnu
room=(src/kernels/cpu/*.cpp src/core/error.cpp src/core/text.cpp src/core/utf8.cpp)
tests=(tests/unit/kernels/*_test.cpp)

need_tools() {
  local tool
  for tool in aarch64-linux-gnu-g++ qemu-aarch64 ninja apt-get dpkg-deb; do
    command -v "$tool" >/dev/null && continue
    echo "$tool is missing" >&2
    echo "next: apt-get install --no-install-recommends g++-aarch64-linux-gnu qemu-user ninja-build" >&2
    exit 1
  done
}

fetch_libraries() {
  [ -e "$libraries/libhwy.so" ] && [ -e "$libraries/libgtest.a" ] && return
  mkdir -p "$build"/apt/{lists,cache/archives}/partial "$build/packages" "$build/root"
  local options=(-qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=
                 -o "Dir::State::Lists=$PWD/$build/apt/lists" -o "Dir::Cache=$PWD/$build/apt/cache"
                 -o Dir::State::status=/dev/null)
  apt-get "${options[@]}" update
  (cd "$build/packages" && apt-get "${options[@]}" download libhwy-dev libhwy1 libgtest-dev)
  local package
  for package in "$build"/packages/*.deb; do dpkg-deb -x "$package" "$build/root"; done
}

# The flags are those of cmake/compiler.cmake and src/kernels/CMakeLists.txt.
write_rules() {
  local launcher=''
  if command -v ccache >/dev/null; then launcher='ccache '; fi
  cat <<RULES
builddir = $build
cxx = ${launcher}aarch64-linux-gnu-g++
flags = -std=c++20 -g1 -DNDEBUG -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor $
  -Wno-missing-field-initializers -Werror -Iinclude -Isrc/kernels -Itests -isystem $root/include
optimise = -O2
rule compile
  command = \$cxx \$flags \$optimise -MD -MF \$out.d -c \$in -o \$out
  depfile = \$out.d
  description = compiling \$in
rule link
  command = \$cxx \$in -L$libraries -lgtest_main -lgtest -lhwy -Wl,-rpath,$PWD/$libraries -pthread -o \$out
  description = linking \$out
RULES
}

write_targets() {
  local source objects=()
  for source in "${room[@]}" "${tests[@]}"; do
    echo "build $build/$source.o: compile $source"
    case $source in */cpu/forward.cpp | */cpu/backward.cpp | */cpu/peak.cpp) echo '  optimise = -O3' ;; esac
  done
  for source in "${room[@]}"; do objects+=("$build/$source.o"); done
  for source in "${tests[@]}"; do echo "build $(program "$source"): link $build/$source.o ${objects[*]}"; done
}

program() { printf '%s/%s' "$build" "$(basename "$1" .cpp)"; }

need_tools
fetch_libraries
{ write_rules && write_targets; } >"$build/build.ninja"
ninja -f "$build/build.ninja" -j 2
failed=0
for test in "${tests[@]}"; do
  echo "running $test"
  # A death test starts its own program again, which the processor of this machine cannot run.
  qemu-aarch64 -L /usr/aarch64-linux-gnu "$(program "$test")" --gtest_filter='-*DeathTest*' "$@" || failed=1
done
exit "$failed"
