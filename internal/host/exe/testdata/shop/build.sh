#!/bin/sh
# Builds the binaries of the tests of source lines, in this folder: the same program with each
# format of debug information. Addresses in the tests are those of the symbol sell.
set -e
cd "$(dirname "$0")"
build() { # NAME FLAG...
	name=$1
	shift
	gcc -O1 -g -nostdlib -static -ffreestanding -fno-asynchronous-unwind-tables -fcf-protection=none \
		-ffile-prefix-map="$PWD=/src/shop" -Wl,--build-id=none -Wl,-z,noseparate-code "$@" -o "$name" shop.c
}
build dwarf2 -gdwarf-2
build dwarf4 -gdwarf-4
build dwarf5 -gdwarf-5
build zlib5 -gdwarf-5 -gz=zlib
build split4 -gdwarf-4 -gsplit-dwarf
build split5 -gdwarf-5 -gsplit-dwarf
build packed5 -gdwarf-5 -gsplit-dwarf
llvm-dwp packed5-shop.dwo -o packed5.dwp
rm packed5-shop.dwo
