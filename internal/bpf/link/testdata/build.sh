#!/bin/sh
# Builds the objects from their sources: clang and llvm-strip are needed.
set -e
cd "$(dirname "$0")"
for c in *.c; do
	clang -g -O2 -target bpf -mcpu=v3 -Wall -Wno-pass-failed -Wno-unused-const-variable -ffile-prefix-map="$PWD"=. -c "$c" -o "${c%.c}.o"
	llvm-strip -g "${c%.c}.o"
done
clang -g -O2 -target bpfeb -mcpu=v3 -ffile-prefix-map="$PWD"=. -c license.c -o bigendian.o
llvm-strip -g bigendian.o
