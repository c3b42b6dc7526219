#!/bin/sh
# Compiles the sources beside it. It takes clang with its bpf target, and libbpf's headers
# (bpf/bpf_helpers.h); what is committed was made by clang 21. Without debug information
# but BTF objects are small.
set -e
cd "$(dirname "$0")"
for source in ${*:-*.c}; do
	clang -g -O2 -Wall -Werror -Wno-missing-declarations -target bpf -mcpu=v3 -c "$source" -o "${source%.c}.bpf.o"
	llvm-strip -g "${source%.c}.bpf.o"
done
