package inspect

import "bytes"

// endbr64 marks a branch's target; x86asm doesn't know it.
var endbr64 = []byte{0xf3, 0x0f, 0x1e, 0xfa}

// x86Extra disassembles what the kernel's JIT emits and x86asm doesn't know.
func x86Extra(code []byte) (n int, text string, ok bool) {
	if bytes.HasPrefix(code, endbr64) {
		return len(endbr64), "endbr64", true
	}
	return 0, "", false
}
