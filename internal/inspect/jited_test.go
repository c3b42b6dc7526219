package inspect

import (
	"encoding/hex"
	"testing"
)

func TestMachineInsns(t *testing.T) {
	for _, c := range []struct{ arch, code, text, named string }{
		{"amd64", "554889e5", "push %rbp", ""},
		{"amd64", "4889e5", "mov %rsp,%rbp", ""},
		{"amd64", "7405", "je 0x17", ""},              // in the function, from its start
		{"amd64", "e8fbff0000", "callq 0x11010", "1"}, // out of it
		{"amd64", "f30f1efa", "endbr64", ""},
		{"amd64", "c4e2e9f7c0", "shlxq %rdx,%rax,%rax", ""},
		{"amd64", "c4423bf7d1", "shrxl %r8d,%r9d,%r10d", ""},
		{"amd64", "06", ".byte 0x06", ""}, // none
		{"arm64", "fd7bbfa9", "stp x29, x30, [sp,#-16]!", ""},
		{"arm64", "40000054", "b.eq 0x18", ""},
		{"arm64", "00400094", "bl 0x11010", "1"},
		{"arm64", "ffffffff", ".inst 0xffffffff", ""},
		{"arm64", "ff", ".byte 0xff", ""},
	} {
		code, err := hex.DecodeString(c.code)
		if err != nil {
			t.Fatal(err)
		}
		named := ""
		_, got := decodeMachine(c.arch, code, 0x1010, 0x1000, 0x100, func(uint64) { named = "1" })
		if got != c.text || named != c.named {
			t.Errorf("%s %s: %q (named %q), want %q (%q)", c.arch, c.code, got, named, c.text, c.named)
		}
	}
}
